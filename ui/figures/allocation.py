"""Bits of each layer in several configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from qcore.quantize.limits import WeightBits, mean_bits
from ui import format as fmt
from ui.theme import FULL_PRECISION_COLOR, Palette, bit_color, finish, text_on

_MOST_LABELS = 60  # beyond this many layers a number does not fit its cell
_MOST_TENTHS = 32  # beyond this many layers a mean with its tenth does not fit its cell
_MOST_NAMES = 24  # beyond this many layers names are small
_NAME = 24  # characters of a name below its cell
_ROW = 34


def differences_figure(
    layers: Sequence[str], rows: Mapping[str, Sequence[WeightBits]], focus: str, palette: Palette
) -> go.Figure:
    """One row a configuration, one cell a layer in the bit ramp; layers that agree are grey. A
    layer whose kernels differ has their mean."""
    differ = [len(set(column)) > 1 for column in zip(*rows.values(), strict=True)]
    order = list(rows)[::-1]
    figure = go.Figure()
    for name, bits in rows.items():
        figure.add_bar(
            x=[fmt.label(layer) for layer in layers],
            y=[1] * len(layers),
            base=[order.index(name)] * len(layers),
            name=name,
            customdata=[[layer, _words(b)] for layer, b in zip(layers, bits, strict=True)],
            text=_texts(bits),
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            hovertemplate=f"<b>%{{x}}</b><br>{name}: %{{customdata[1]}}<extra></extra>",
            **_colors(bits, differ, [layer == focus for layer in layers], palette),
        )
    figure.update_layout(barmode="overlay", bargap=0.08, showlegend=False)
    _axes(figure, layers, order)
    longest = min(max(map(len, layers)), _NAME)
    return finish(figure, palette, 90 + _ROW * len(rows) + 6 * longest)


def _texts(bits: Sequence[WeightBits]) -> list[str] | None:
    """Means in tenths where there is room."""
    if len(bits) > _MOST_LABELS:
        return None
    tenths = len(bits) <= _MOST_TENTHS
    return [f"{round(mean_bits(one), 1) if tenths else round(mean_bits(one)):g}" for one in bits]


def _words(bits: WeightBits) -> str:
    """Example: 4 bits; of kernels: 3.25 bits on average, 0 to 8."""
    if isinstance(bits, int):
        return f"{bits} bits"
    return f"{mean_bits(bits):.2f} bits on average, {min(bits)} to {max(bits)}"


def _color(bits: WeightBits) -> str:
    """Of the nearest whole bit; a layer that is pruned altogether has that of no bits."""
    nearest = round(mean_bits(bits))
    return bit_color(nearest) if nearest else FULL_PRECISION_COLOR


def _colors(
    bits: Sequence[WeightBits], differ: Sequence[bool], focused: Sequence[bool], palette: Palette
) -> dict[str, Any]:
    """Cells and their numbers."""
    cells = [
        (_color(b), text_on(_color(b))) if d else (palette.grid, palette.muted)
        for b, d in zip(bits, differ, strict=True)
    ]
    lines = [palette.focus if one else "rgba(0,0,0,0)" for one in focused]
    return {
        "textfont": {"color": [text for _, text in cells], "size": 12},
        "marker": {
            "color": [cell for cell, _ in cells],
            "line": {"color": lines, "width": 2},
        },
    }


def _axes(figure: go.Figure, layers: Sequence[str], order: Sequence[str]) -> None:
    figure.update_xaxes(
        type="category",
        showticklabels=True,
        tickangle=-90,
        tickfont={"size": 10 if len(layers) > _MOST_NAMES else 12},
        tickvals=list(range(len(layers))),
        ticktext=[fmt.label(fmt.shortened(name, _NAME)) for name in layers],
        title="layer, in running order",
    )
    figure.update_yaxes(
        tickvals=[i + 0.5 for i in range(len(order))],
        ticktext=order,
        range=[0, len(order)],
        showgrid=False,
        zeroline=False,
    )
