"""What an allocation may be limited by: costs by name, of every layer at every option."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcore.allocate.problem import FloatArray
from qcore.graph.layer import Description
from qcore.hardware import BitPair, Hardware, hardware_costs
from qcore.hardware.bops import bops
from qcore.hardware.network_costs import check_runs
from qcore.hardware.size import FULL_PRECISION_BYTES, layer_bytes
from qcore.sensitivity.config import Width

BUDGETS: dict[str, str] = {
    "size_bytes": "bytes of the whole network: packed weights, scales, biases, constants",
    "size_ratio": "weight bits of the quantized layers, relative to 32 bit",
    "average_bits": "weight bits of the quantized layers, per weight",
    "bops": "bit operations of an image: multiply-accumulates x weight bits x input bits",
    "latency_ms": "milliseconds of a batch on the chosen hardware",
    "energy_mj": "millijoules of a batch on the chosen hardware",
    "loss": "predicted ΔL; the smallest network within it is sought",
}
"""Budget name -> what it measures."""


@dataclass(frozen=True)
class Costs:
    """``tables`` (layers, options) by name, and ``offsets``: what no layer decides, as the bytes
    that stay 32 bit."""

    tables: dict[str, FloatArray]
    offsets: dict[str, float]


def costs_of(
    network: Description, options: Sequence[Width], hardware: Hardware | None, corrected: bool
) -> Costs:
    """The costs of ``network`` where a layer takes one of ``options``.

    With ``hardware`` its latency and energy are among them, where it has them. ``corrected``:
    layers without a bias are given one. Raises BadInput for hardware that does not run all of these
    options (``runnable`` leaves a table those that it runs). Example: 20 weights in 5 kernels at 3
    bits: 28 bytes, and 3 bits on average where there is no other layer.
    """
    layers, widths = network.layers, [option.bits for option in options]
    stored = np.array([[b * layer.weight_count for b in widths] for layer in layers], dtype=float)
    size = np.array([[sum(layer_bytes(layer, b)) for b in widths] for layer in layers], dtype=float)
    tables = {
        "size_bytes": size,
        "size_ratio": stored / (32 * network.weight_count),
        "average_bits": stored / network.weight_count,
        "bops": bops(network, options),
    }
    if hardware is not None:
        pairs = [BitPair(option.bits, option.activation_bits) for option in options]
        found = hardware_costs(network, hardware, pairs)
        check_runs(found)
        timed = {"latency_ms": found.cost.latency_ms, "energy_mj": found.cost.energy_mj}
        # A table of one's own may have the energy of some layers only, which is none of a network.
        tables |= {n: t for n, t in timed.items() if t is not None and np.isfinite(t).all()}
    others = network.other_count
    if corrected:
        others += sum(layer.kernels for layer in layers if layer.bias_key is None)
    offsets = dict.fromkeys((*tables, "loss"), 0.0)
    offsets["size_bytes"] = float(others * FULL_PRECISION_BYTES)
    return Costs(tables, offsets)
