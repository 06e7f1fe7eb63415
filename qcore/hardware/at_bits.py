"""What a network costs on a machine where every layer has its own bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from qcore.graph.layer import Description
from qcore.hardware.bound import Bound, bounds
from qcore.hardware.model import Busy, FloatArray, Hardware
from qcore.hardware.network_costs import check_runs, hardware_costs
from qcore.hardware.pair import BitPair


@dataclass(frozen=True)
class LayerAtBits:
    """A layer at its bits; ``runs_as`` are the widths that the machine takes for them.

    ``latency_ms`` and ``energy_mj`` are of a batch; they and ``bound``, what takes longest, are
    None where the machine has no such figure (one's own table may have it of some layers only). A
    pruned layer is bound by nothing.
    """

    name: str
    pair: BitPair
    runs_as: BitPair
    latency_ms: float | None
    energy_mj: float | None
    bound: Bound | None


@dataclass(frozen=True, eq=False)
class NetworkAtBits:
    """The layers that the machine's totals count, in order; ``excluded`` names the others.

    Totals are for ``batch`` images, None where the machine has no such figure.
    """

    hardware: Hardware
    batch: int
    layers: tuple[LayerAtBits, ...]
    excluded: tuple[str, ...]

    @property
    def total_ms(self) -> float | None:
        return _sum([layer.latency_ms for layer in self.layers])

    @property
    def total_mj(self) -> float | None:
        return _sum([layer.energy_mj for layer in self.layers])


def network_at_bits(
    network: Description, hardware: Hardware, pairs: Sequence[BitPair], batch: int | None = None
) -> NetworkAtBits:
    """What each layer takes at its pair; ``pairs`` are as many as layers, in their order.

    ``batch`` as in ``hardware_costs``. Raises BadInput for a layer that does not run at its pair
    and is counted, and for a batch that the machine has no figures for. Example: MobileNetV2 with
    all layers at 4/4 bits on "bismo-cloud": 74.46 ms, the first layer and the last excluded.
    """
    options = tuple(dict.fromkeys(pairs))
    costs = hardware_costs(network, hardware, options, batch)
    chosen = [options.index(pair) for pair in pairs]
    rows = np.arange(len(chosen))
    counted = [layer.name not in costs.excluded for layer in network.layers]
    asked = np.zeros(costs.runs.shape, dtype=np.bool_)
    asked[rows[counted], np.array(chosen)[counted]] = True
    check_runs(replace(costs, runs=costs.runs | ~asked))

    def column(table: FloatArray | None) -> list[float | None]:
        if table is None:
            return [None] * len(rows)
        return [None if math.isnan(one) else one for one in table[rows, chosen].tolist()]

    latency, energy = column(costs.cost.latency_ms), column(costs.cost.energy_mj)
    bound = _bounds(costs.cost.busy, chosen)
    layers = tuple(
        LayerAtBits(
            layer.name,
            pairs[i],
            pairs[i] if pairs[i].pruned else hardware.runs_as(pairs[i]) or pairs[i],
            latency[i],
            energy[i],
            None if pairs[i].pruned else bound[i],
        )
        for i, layer in enumerate(network.layers)
        if counted[i]
    )
    return NetworkAtBits(hardware, costs.batch, layers, costs.excluded)


def _bounds(busy: Busy | None, chosen: Sequence[int]) -> list[Bound | None]:
    if busy is None:
        return [None] * len(chosen)
    parts = (busy.compute_ms, busy.weights_ms, busy.activations_ms)
    return [*bounds(Busy(*(part[np.arange(len(chosen)), chosen] for part in parts)))]


def _sum(values: Sequence[float | None]) -> float | None:
    """None where some value is."""
    known = [value for value in values if value is not None]
    return math.fsum(known) if len(known) == len(values) else None
