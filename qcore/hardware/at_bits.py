"""What a network costs on a machine where every layer has its own bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcore.graph.layer import Description
from qcore.hardware.bound import Bound, bounds, by_bound, parts_ms
from qcore.hardware.model import BoolArray, Busy, Cost, FloatArray, Hardware
from qcore.hardware.network_costs import hardware_costs
from qcore.hardware.pair import BitPair
from qcore.hardware.refusal import refusal


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
    """What ``batch`` images take where each layer has its own pair.

    The arrays of ``cost`` and ``runs`` have shape (layers,): NaN and False where a layer does not
    run at its pair. Layers in ``excluded``, which the machine's totals leave out, cost 0 and may
    have any bits. What the machine has no figure of is None.
    """

    network: Description
    hardware: Hardware
    pairs: tuple[BitPair, ...]
    batch: int
    excluded: tuple[str, ...]
    runs: BoolArray
    cost: Cost

    @property
    def total_ms(self) -> float | None:
        """None, too, where the latency of some layer is not known."""
        return _total(self.cost.latency_ms)

    @property
    def total_mj(self) -> float | None:
        """None, too, where the energy of some layer is not known."""
        return _total(self.cost.energy_mj)

    @property
    def parts(self) -> Busy | None:
        """Milliseconds that add up to the latency of each layer."""
        if self.cost.busy is None or self.cost.latency_ms is None:
            return None
        return parts_ms(self.cost.latency_ms, self.cost.busy)

    @property
    def shares(self) -> dict[Bound, float] | None:
        """Part of the whole latency that is spent on each, 0 to 1; None, too, where that is 0 or
        not known."""
        parts, whole = self.parts, self.total_ms
        if parts is None or not whole:
            return None
        return {name: float(ms.sum()) / whole for name, ms in by_bound(parts).items()}

    @property
    def bounds(self) -> list[Bound | None]:
        """What takes longest in each layer, None where nothing does or it is not known."""
        busy = self.cost.busy
        if busy is None:
            return [None] * len(self.pairs)
        each = zip(
            bounds(busy), busy.compute_ms + busy.weights_ms + busy.activations_ms, strict=True
        )
        return [bound if ms > 0 else None for bound, ms in each]

    @property
    def layers(self) -> tuple[LayerAtBits, ...]:
        """Those that the totals count, in order."""
        latency, energy = _known(self.cost.latency_ms), _known(self.cost.energy_mj)
        each = zip(self.network.layers, self.pairs, self.bounds, strict=True)
        return tuple(
            LayerAtBits(
                layer.name,
                pair,
                pair if pair.pruned else self.hardware.runs_as(pair) or pair,
                None if latency is None else latency[i],
                None if energy is None else energy[i],
                bound,
            )
            for i, (layer, pair, bound) in enumerate(each)
            if layer.name not in self.excluded
        )

    @property
    def refusal(self) -> str | None:
        """The first counted layer that does not run, why, what can be chosen, and how many others
        there are; None where all run."""
        each = zip(self.network.layers, self.pairs, self.runs, strict=True)
        idle = [(la.name, p) for la, p, runs in each if not runs and la.name not in self.excluded]
        if not idle:
            return None
        name, pair = idle[0]
        why, others = refusal(self.hardware, name, pair), len(idle) - 1
        if repr(name) not in why:
            why = f"{name!r} does not run at {pair} bits of weights/input: {why}"
        more = f" ({others} other {'layer' if others == 1 else 'layers'} as well)" if others else ""
        return why + more


def network_at_bits(
    network: Description, hardware: Hardware, pairs: Sequence[BitPair], batch: int | None = None
) -> NetworkAtBits:
    """What each layer takes at its pair; ``pairs`` are as many as layers, in their order.

    ``batch`` as in ``hardware_costs``. Raises BadInput for a batch that the machine has no figures
    for. Example: MobileNetV2 with all layers at 4/4 bits on "bismo-cloud": 74.46 ms, the first
    layer and the last excluded.
    """
    options = tuple(dict.fromkeys(pairs))
    costs = hardware_costs(network, hardware, options, batch)
    rows, chosen = np.arange(len(pairs)), [options.index(pair) for pair in pairs]
    counted = np.array([layer.name not in costs.excluded for layer in network.layers])

    def own(table: FloatArray) -> FloatArray:
        """Of a table (layers, options), what each layer takes at its pair."""
        return np.where(counted, table[rows, chosen], 0.0)

    def own_or_none(table: FloatArray | None) -> FloatArray | None:
        return None if table is None else own(table)

    busy = costs.cost.busy
    cost = Cost(
        own_or_none(costs.cost.latency_ms),
        own_or_none(costs.cost.energy_mj),
        busy and Busy(own(busy.compute_ms), own(busy.weights_ms), own(busy.activations_ms)),
        own_or_none(costs.cost.moved_bytes),
    )
    runs = costs.runs[rows, chosen]
    return NetworkAtBits(network, hardware, tuple(pairs), costs.batch, costs.excluded, runs, cost)


def _known(values: FloatArray | None) -> list[float | None] | None:
    if values is None:
        return None
    return [None if math.isnan(value) else value for value in values.tolist()]


def _total(values: FloatArray | None) -> float | None:
    if values is None or np.isnan(values).any():
        return None
    return math.fsum(values)
