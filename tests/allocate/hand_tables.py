"""Sensitivity tables of three layers, by hand."""

from __future__ import annotations

from dataclasses import replace

from qcore.data.source import DataSource
from qcore.graph.layer import Description, Layer
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

SHAPES = {"a": (4, 3, 3, 3), "b": (5, 4), "c": (3, 1, 3, 3)}
"""108, 20 and 27 weights; 4, 5 and 3 kernels; beside them 7 values that stay 32 bit."""
BITS = (2, 3, 8)
BYTES = {"a": (43, 57, 124), "b": (25, 28, 40), "c": (19, 23, 39)}
"""Packed weights and 4 bytes per kernel, by hand: b at 3 bits is ceil(7.5) + 20."""
LOSS = {"a": (0.9, 0.2, -0.01), "b": (0.5, 0.1, 0.0), "c": (0.25, 0.3, 0.05)}


def hand_table(loss: dict[str, tuple[float, ...]] = LOSS) -> SensitivityTable:
    """A complete table of the three layers; ``loss`` holds one value for each of ``BITS``."""
    layers = tuple(
        Layer(name, "conv2d", name, name, (name,), shape, 1, shape[0], 10, (1, 1), (1, 1))
        for name, shape in SHAPES.items()
    )
    network = Description("by hand", "f" * 64, 162, (3, 8, 8), 5, layers, {}, 0, 7, 0, None)
    rows = tuple(
        SensitivityRow(name, b, "weight", delta, delta - 0.1, delta + 0.1, 50 + b)
        for name, deltas in loss.items()
        for b, delta in zip(BITS, deltas, strict=True)
    )
    config = SensitivityConfig(BITS, "kl", 58)
    return SensitivityTable(network, DataSource("images"), "d" * 64, config, rows, 1.0, 0.1)


def pair_table() -> SensitivityTable:
    """The three layers at pairs of widths; loss falls with the sum of both."""
    config = SensitivityConfig((2, 4), "kl", 58, target="both", activation_bits=(4, 8))
    rows = tuple(
        SensitivityRow(name, w.bits, "both", 1 / (w.bits + a), None, None, 58, activation_bits=a)
        for name in "abc"
        for w in config.widths
        if (a := w.activation_bits)
    )
    return replace(hand_table(), config=config, rows=rows)
