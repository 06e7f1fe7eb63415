"""Dots per layer: what each took on this machine, at every pair of bits that ran."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from ui import format as fmt
from ui.figures.error_bars import error_bars
from ui.figures.unfaded import unfaded
from ui.theme import Palette, bit_color, finish

_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x")
_MOST_NAMES = 24  # beyond so many layers names do not fit below the axis


@dataclass(frozen=True)
class TimedLayers:
    """What layers took at one pair of bits, in milliseconds; None where a layer does not run.

    ``bits`` are those of the weights, None for full precision; ``low_ms`` and ``high_ms`` are the
    quartiles.
    """

    label: str
    bits: int | None
    median_ms: Sequence[float | None]
    low_ms: Sequence[float | None]
    high_ms: Sequence[float | None]


def measured_latency_figure(
    names: Sequence[str], timed: Sequence[TimedLayers], focus: str, palette: Palette
) -> go.Figure:
    """Layers in running order, milliseconds on a logarithmic axis, bars between the quartiles."""
    figure = go.Figure()
    for one, symbol in zip(timed, itertools.cycle(_SYMBOLS), strict=False):
        low, middle, high = (
            np.array(values, dtype=np.float64)
            for values in (one.low_ms, one.median_ms, one.high_ms)
        )
        color = bit_color(one.bits)
        figure.add_scatter(
            x=[fmt.label(name) for name in names],
            y=middle,
            error_y=error_bars(low, middle, high, thickness=1.2, width=3, color=color),
            mode="markers",
            name=fmt.label(one.label),
            customdata=[
                [name, a, b] for name, a, b in zip(names, one.low_ms, one.high_ms, strict=True)
            ],
            marker={"symbol": symbol, "color": color, "size": 9},
            hovertemplate="%{x}<br>%{y:.3g} ms, half of the runs from %{customdata[1]:.3g} to "
            f"%{{customdata[2]:.3g}} ms<extra>{fmt.label(one.label)}</extra>",
            **unfaded(),
        )
    at = names.index(focus)
    figure.add_vrect(
        at - 0.5, at + 0.5, fillcolor=palette.focus, opacity=0.12, line_width=0, layer="below"
    )
    figure.update_xaxes(
        title="layer, in running order",
        type="category",
        showticklabels=len(names) <= _MOST_NAMES,
        range=[-0.5, len(names) - 0.5],
        showgrid=False,
    )
    ticks = _ticks([value for one in timed for value in (*one.low_ms, *one.high_ms) if value])
    figure.update_yaxes(
        title="latency (ms)", type="log", tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks]
    )
    figure.update_layout(scattermode="group", scattergap=0.4)
    return finish(figure, palette, 340)


def _ticks(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times powers of ten, from below the least value to above the largest."""
    if not values:
        return []
    first, last = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return [m * 10.0**power for power in range(first, last + 1) for m in (1, 2, 5)]
