"""Bits of each layer in the best configurations so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from ui import format as fmt
from ui.theme import Palette, bit_color, finish, text_on

_MOST_LABELS, _MOST_WIDE = 60, 16  # layers beyond which a number, a long text does not fit its cell
_MOST_NAMES = 24  # layers beyond which names are small
_NAME = 24  # characters of a name below its cell
_ROW = 36


@dataclass(frozen=True)
class BitCell:
    """A layer's mean bits of weights; bits of its input (None: full precision); the share of its
    kernels that are pruned."""

    bits: float
    inputs: int | None = None
    pruned: float = 0.0


@dataclass(frozen=True)
class BitsRow:
    """A configuration, by layer; without cells where there is none yet."""

    title: str
    cells: Sequence[BitCell]


def search_bits_figure(
    layers: Sequence[str], rows: Sequence[BitsRow], focus: str, palette: Palette
) -> go.Figure:
    """A row a configuration, a cell a layer in the colours of the bit ramp, from top to bottom.

    A cell's customdata begins with its layer. Pruned layers have the colour of text.
    """
    figure = go.Figure()
    for place, row in enumerate(reversed(rows)):
        if row.cells:
            _row(figure, layers, row, place, focus, palette)
    figure.update_layout(barmode="overlay", bargap=0.06)
    _axes(figure, layers, [row.title for row in reversed(rows)])
    longest = min(max(map(len, layers)), _NAME)
    finish(figure, palette, 70 + _ROW * len(rows) + 6 * longest)
    return figure.update_layout(showlegend=False)


def _row(
    figure: go.Figure,
    layers: Sequence[str],
    row: BitsRow,
    place: int,
    focus: str,
    palette: Palette,
) -> None:
    colors = [palette.text if c.bits == 0 else bit_color(round(c.bits)) for c in row.cells]
    texts = [_text(cell, len(layers)) for cell in row.cells]
    figure.add_bar(
        x=[fmt.label(layer) for layer in layers],
        y=[0.9] * len(layers),
        base=[place + 0.05] * len(layers),
        name=row.title,
        customdata=[[layer, _words(cell)] for layer, cell in zip(layers, row.cells, strict=True)],
        text=texts if len(layers) <= _MOST_LABELS else None,
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="none",
        textfont={"color": [text_on(color) for color in colors], "size": 12},
        marker={
            "color": colors,
            "line": {
                "color": [palette.focus if la == focus else "rgba(0,0,0,0)" for la in layers],
                "width": 2,
            },
        },
        hovertemplate=f"<b>%{{x}}</b><br>{row.title}: %{{customdata[1]}}<extra></extra>",
    )


def _text(cell: BitCell, layers: int) -> str:
    """What fits into the cell. Example: 4/8; 3.4."""
    bits = f"{cell.bits:.1f}" if cell.bits % 1 else f"{cell.bits:.0f}"
    if cell.inputs is not None and layers <= _MOST_WIDE:
        return f"{bits}/{cell.inputs}"
    return bits if layers <= _MOST_WIDE else f"{cell.bits:.0f}"


def _words(cell: BitCell) -> str:
    whole = cell.bits % 1 == 0
    parts = [f"{cell.bits:.0f} bits" if whole else f"{cell.bits:.2f} bits on average"]
    if cell.inputs is not None:
        parts.append(f"input {cell.inputs} bits")
    if cell.pruned:
        parts.append(f"{100 * cell.pruned:.0f} % of the kernels pruned")
    return ", ".join(parts)


def _axes(figure: go.Figure, layers: Sequence[str], titles: Sequence[str]) -> None:
    figure.update_xaxes(
        type="category",
        tickangle=-90,
        tickfont={"size": 10 if len(layers) > _MOST_NAMES else 12},
        tickvals=list(range(len(layers))),
        ticktext=[fmt.label(fmt.shortened(name, _NAME)) for name in layers],
        title="layer, in running order",
    )
    figure.update_yaxes(
        tickvals=[place + 0.5 for place in range(len(titles))],
        ticktext=list(titles),
        range=[0, max(len(titles), 1)],
        showgrid=False,
        zeroline=False,
    )
