"""Rows to find levels on and to round, and what is measured of them."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch import Tensor

from qcore.quantize.registry import EvenLevels, Levels, Quantizer, levels_list
from qcore.samples import weights_file

numbers = st.floats(-10, 10, width=32)
widths = st.integers(2, 8)


@st.composite
def two_rows(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Rows to find levels on, and as many to round; float32."""
    groups = draw(st.integers(1, 4))
    sizes = [draw(st.integers(1, 12)) for _ in range(2)]
    first, second = (
        torch.tensor(draw(st.lists(numbers, min_size=groups * n, max_size=groups * n)))
        for n in sizes
    )
    return first.reshape(groups, -1), second.reshape(groups, -1)


def group(levels: Levels, row: int) -> Tensor:
    """The levels of a row, float64."""
    held = levels.step if isinstance(levels, EvenLevels) else levels.values
    return levels_list(levels, row if len(held) > 1 else 0)


def mean_squared(quantizer: Quantizer, rows: Tensor, bits: int) -> float:
    rounded = quantizer.round(rows, quantizer.fit(rows, bits))
    return float((rounded - rows).double().square().mean())


def trained_layers() -> list[Tensor]:
    stored = load_file(weights_file("fashion-cnn")).values()
    return [w.reshape(len(w), -1) for w in stored if w.dim() > 1]
