"""A configuration on a machine: what each layer takes, and what the machine does not run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import streamlit as st

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware import BitPair, Hardware, HardwareCosts, hardware_costs
from qcore.hardware.bound import Bound, bounds, parts_ms
from qcore.hardware.model import BoolArray, Busy, Cost, FloatArray
from qcore.hardware.network_costs import check_runs

BASELINE = BitPair(8, 8)
"""What every configuration is compared with, in all layers."""

_MOST_NAMED = 6


@dataclass(frozen=True, eq=False)
class Run:
    """What a batch takes: arrays of shape (layers,), NaN where a layer does not run at its bits.

    ``excluded`` are layers that the machine's totals leave out; theirs are 0. ``refusal`` says what
    does not run and what can be chosen, None where all layers run.
    """

    hardware: Hardware
    network: Description
    pairs: tuple[BitPair, ...]
    batch: int
    excluded: tuple[str, ...]
    runs: BoolArray
    cost: Cost
    refusal: str | None

    @property
    def latency_ms(self) -> float | None:
        """Of the network; None where it is not known of every layer."""
        return _total(self.cost.latency_ms)

    @property
    def energy_mj(self) -> float | None:
        """Of the network; None where it is not known of every layer."""
        return _total(self.cost.energy_mj)

    @property
    def parts(self) -> Busy | None:
        """Milliseconds that add up to the latency of each layer, None where not known."""
        if self.cost.busy is None or self.cost.latency_ms is None:
            return None
        return parts_ms(self.cost.latency_ms, self.cost.busy)

    @property
    def shares(self) -> dict[Bound, float] | None:
        """Part of the whole latency that is spent on each; None where not known."""
        parts, whole = self.parts, self.latency_ms
        if parts is None or not whole:
            return None
        sums = (parts.compute_ms.sum(), parts.weights_ms.sum(), parts.activations_ms.sum())
        names: tuple[Bound, ...] = ("compute", "weights", "activations")
        return {name: float(part) / whole for name, part in zip(names, sums, strict=True)}

    @property
    def bounds(self) -> list[Bound] | None:
        """What takes longest in each layer."""
        return None if self.cost.busy is None else bounds(self.cost.busy)


def run_of(
    network: Description, hardware: Hardware, pairs: Sequence[BitPair], batch: int | None = None
) -> Run:
    """``pairs`` has the bits of each layer, ``batch`` as ``hardware_costs`` (of a machine with one
    batch only, that)."""
    images = hardware.batch if batch is None or hardware.fixed_batch else batch
    distinct = tuple(dict.fromkeys(pairs))
    key = "|".join(map(str, (network.fingerprint, hardware.name, hardware.revision, images)))
    words = " ".join(str(pair) for pair in distinct)
    costs = _costs(f"{key}|{words}", network, hardware, distinct, images)
    column = [distinct.index(pair) for pair in pairs]

    runs = costs.runs[np.arange(len(column)), column]
    refusal = None if runs.all() else _refusal(network, hardware, pairs, runs)
    return Run(
        hardware,
        network,
        tuple(pairs),
        images,
        costs.excluded,
        runs,
        _own(costs.cost, column),
        refusal,
    )


def taken_pairs(hardware: Hardware) -> list[BitPair]:
    """Every pair of bits that some layer may run at."""
    every = product(hardware.weight_bits, hardware.activation_bits)
    return [pair for pair in (BitPair(w, a) for w, a in every) if hardware.takes(pair)]


def taken(hardware: Hardware) -> str:
    """Those pairs, where not every width of weights goes with every width of inputs; empty where
    all do. Example: full/full, 8/8."""
    runs = [str(pair) for pair in taken_pairs(hardware)]
    if len(runs) == len(hardware.weight_bits) * len(hardware.activation_bits):
        return ""
    more = f" and {len(runs) - _MOST_NAMED} more" if len(runs) > _MOST_NAMED else ""
    return ", ".join(runs[:_MOST_NAMED]) + more


@st.cache_resource(max_entries=256, show_spinner=False)
def _costs(
    key: str, _network: Description, _hardware: Hardware, _pairs: tuple[BitPair, ...], _batch: int
) -> HardwareCosts:
    return hardware_costs(_network, _hardware, _pairs, _batch)


def _total(values: FloatArray | None) -> float | None:
    if values is None or np.isnan(values).any():
        return None
    return float(values.sum())


def _own(cost: Cost, column: Sequence[int]) -> Cost:
    """Of tables (layers, pairs), the pair that each layer has."""
    rows = np.arange(len(column))

    def at(table: FloatArray | None) -> FloatArray | None:
        return None if table is None else table[rows, column]

    busy = cost.busy
    if busy is not None:
        each = (busy.compute_ms, busy.weights_ms, busy.activations_ms)
        busy = Busy(*(table[rows, column] for table in each))
    return Cost(at(cost.latency_ms), at(cost.energy_mj), busy, at(cost.moved_bytes))


def _refusal(
    network: Description, hardware: Hardware, pairs: Sequence[BitPair], runs: BoolArray
) -> str:
    """The first layer that does not run, why, what can be chosen, and how many others there are."""
    at = int(np.argmin(runs))
    layer, pair, reason = network.layers[at], pairs[at], ""
    try:
        check_runs(hardware_costs(replace(network, layers=(layer,)), hardware, [pair]))
    except BadInput as error:
        reason = str(error)
    if repr(layer.name) not in reason:
        reason = f"{layer.name!r} does not run at {pair} bits of weights/input: {reason}"
    pairs_taken = taken(hardware)
    known = f"; pairs that it runs: {pairs_taken}" if pairs_taken else ""
    others = len(runs) - int(runs.sum()) - 1
    more = f" ({others} other {'layer' if others == 1 else 'layers'} as well)" if others else ""
    return f"{reason}{known}{more}."
