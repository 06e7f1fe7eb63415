"""What a network costs on a machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware.model import BoolArray, Busy, Cost, FloatArray, Hardware
from qcore.hardware.pair import BitPair
from qcore.hardware.refusal import refusal


@dataclass(frozen=True, eq=False)
class HardwareCosts:
    """Latency and energy of every layer at every pair, for ``batch`` images.

    The arrays of ``cost`` have shape (layers, pairs). Sums over layers are the network's cost:
    layers in ``excluded``, which the machine's totals leave out, and pruned ones have 0. NaN where
    the layer does not run at the pair, see ``runs``.
    """

    network: Description
    hardware: Hardware
    pairs: tuple[BitPair, ...]
    batch: int
    excluded: tuple[str, ...]
    cost: Cost
    runs: BoolArray


def hardware_costs(
    network: Description, hardware: Hardware, pairs: Sequence[BitPair], batch: int | None = None
) -> HardwareCosts:
    """The costs of all layers at all pairs; ``batch`` images, by default as many as the machine
    works on at once.

    Raises BadInput for another batch than a machine's that has only one. Example: MobileNetV2 at
    4-bit weights and inputs on "bismo-cloud" adds up to 74.46 ms for 16 images.
    """
    images = _images(hardware, batch)
    taken = [pair for pair in pairs if hardware.takes(pair) and not pair.pruned]
    excluded = hardware.excluded(network)
    each = [
        None if layer.name in excluded else hardware.cost(layer, taken, images)
        for layer in network.layers
    ]
    columns = np.array([pair in taken for pair in pairs], dtype=bool)
    unknown = np.array([not hardware.takes(pair) for pair in pairs], dtype=bool)

    def table(part: Callable[[Cost], FloatArray | None]) -> FloatArray | None:
        rows = np.zeros((len(network.layers), len(pairs)))
        rows[:, unknown] = np.nan
        for row, cost in zip(rows, each, strict=True):
            values = None if cost is None else part(cost)
            if cost is not None and values is None:
                return None
            if values is not None:
                row[columns] = values
        return rows

    cost = Cost(
        table(lambda c: c.latency_ms) if hardware.has_latency else None,
        table(lambda c: c.energy_mj) if hardware.has_energy else None,
        _busy(table),
        table(lambda c: c.moved_bytes),
    )
    known = cost.latency_ms if cost.latency_ms is not None else cost.energy_mj
    runs = np.ones((len(network.layers), len(pairs)), dtype=bool)
    if known is not None:
        runs = ~np.isnan(known)
    return HardwareCosts(network, hardware, tuple(pairs), images, excluded, cost, runs)


def _images(hardware: Hardware, batch: int | None) -> int:
    images = hardware.batch if batch is None else batch
    if hardware.fixed_batch and images != hardware.batch:
        raise BadInput(
            f"{hardware.title} has figures for a batch of {hardware.batch} only, not {images}; "
            "leave the batch out"
        )
    return images


def _busy(table: Callable[[Callable[[Cost], FloatArray | None]], FloatArray | None]) -> Busy | None:
    compute = table(lambda c: None if c.busy is None else c.busy.compute_ms)
    weights = table(lambda c: None if c.busy is None else c.busy.weights_ms)
    activations = table(lambda c: None if c.busy is None else c.busy.activations_ms)
    if compute is None or weights is None or activations is None:
        return None
    return Busy(compute, weights, activations)


def check_runs(costs: HardwareCosts) -> None:
    """BadInput for the first layer and pair that the machine does not run."""
    for layer, runs in zip(costs.network.layers, costs.runs, strict=True):
        for pair, does in zip(costs.pairs, runs, strict=True):
            if not does:
                raise BadInput(refusal(costs.hardware, layer.name, pair))
