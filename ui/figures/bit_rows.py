"""Bits of each layer in several configurations, a row each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from qcore.quantize.limits import PRUNED, WeightBits, mean_bits
from ui import format as fmt
from ui.theme import Palette, finish, text_on, weight_color

_MOST_LABELS = 60  # layers beyond which a number does not fit its cell,
_MOST_TENTHS, _MOST_PAIRS = 32, 16  # a mean with its tenth does not, 4/8 does not
_MOST_NAMES = 24  # layers beyond which names and numbers are small
_NAME = 24  # characters of a name below its cell
_ROW, _ABOVE = 36, 30  # pixels: of a row, and of the tool bar above all of them


@dataclass(frozen=True)
class BitsRow:
    """A configuration: weight bits by layer (of each kernel where they differ), none where there
    is no configuration yet. ``inputs``: bits of each layer's input (None: full precision), none
    where they are not shown."""

    title: str
    bits: Sequence[WeightBits]
    inputs: Sequence[int | None] = ()


@dataclass(frozen=True)
class _Cell:
    """What stands in it, what it says when pointed at, and the colours of both."""

    text: str
    words: str
    color: str
    text_color: str


def bit_rows_figure(
    layers: Sequence[str],
    rows: Sequence[BitsRow],
    focus: str,
    palette: Palette,
    grey_equal: bool = False,
) -> go.Figure:
    """A row a configuration from top to bottom, a cell a layer in the bit ramp.

    A layer whose kernels differ has their mean. With ``grey_equal`` layers on which all agree are
    grey. A cell's customdata begins with its layer.
    """
    columns = zip(*(row.bits for row in rows if row.bits), strict=True)
    greys = [grey_equal and len(set(column)) == 1 for column in columns]
    figure = go.Figure()
    for place, row in enumerate(reversed(rows)):
        if row.bits:
            cells = _cells(row, greys, palette)
            _row(figure, layers, row.title, place, cells, focus, palette)
    figure.update_layout(barmode="overlay", bargap=0.06)
    _axes(figure, layers, [row.title for row in reversed(rows)])
    longest = min(max(map(len, layers)), _NAME)
    finish(figure, palette, 70 + _ABOVE + _ROW * len(rows) + 6 * longest)
    return figure.update_layout(margin={"t": _ABOVE}, showlegend=False)


def _cells(row: BitsRow, greys: Sequence[bool], palette: Palette) -> list[_Cell]:
    inputs = row.inputs or [None] * len(row.bits)
    found = []
    for bits, into, grey in zip(row.bits, inputs, greys, strict=True):
        color = palette.grid if grey else weight_color(mean_bits(bits), palette)
        text_color = palette.muted if grey else text_on(color)
        found.append(_Cell(_text(bits, into, len(greys)), _words(bits, into), color, text_color))
    return found


def _row(
    figure: go.Figure,
    layers: Sequence[str],
    title: str,
    place: int,
    cells: Sequence[_Cell],
    focus: str,
    palette: Palette,
) -> None:
    lines = [palette.focus if layer == focus else "rgba(0,0,0,0)" for layer in layers]
    figure.add_bar(
        x=[fmt.label(layer) for layer in layers],
        y=[0.9] * len(layers),
        base=[place + 0.05] * len(layers),
        name=title,
        customdata=[[layer, cell.words] for layer, cell in zip(layers, cells, strict=True)],
        text=[cell.text for cell in cells] if len(layers) <= _MOST_LABELS else None,
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        constraintext="none",
        textfont={"color": [cell.text_color for cell in cells], "size": _font(layers)},
        marker={"color": [cell.color for cell in cells], "line": {"color": lines, "width": 2}},
        hovertemplate=f"<b>%{{x}}</b><br>{title}: %{{customdata[1]}}<extra></extra>",
    )


def _text(bits: WeightBits, inputs: int | None, layers: int) -> str:
    """What fits into the cell. Example: 4/8; 3.4."""
    mean = mean_bits(bits)
    text = f"{round(mean, 1) if layers <= _MOST_TENTHS else round(mean):g}"
    return f"{text}/{inputs}" if inputs is not None and layers <= _MOST_PAIRS else text


def _words(bits: WeightBits, inputs: int | None) -> str:
    """Example: 4 bits; of kernels: 4.00 bits on average, 0 to 8, 25 % of the kernels pruned."""
    each = (bits,) if isinstance(bits, int) else bits
    if len(set(each)) == 1:
        parts = [f"{each[0]} bits"]
    else:
        pruned = each.count(PRUNED) / len(each)
        parts = [f"{mean_bits(bits):.2f} bits on average", f"{min(each)} to {max(each)}"]
        parts += [f"{100 * pruned:.0f} % of the kernels pruned"] * (pruned > 0)
    if inputs is not None:
        parts.append(f"input {inputs} bits")
    return ", ".join(parts)


def _font(layers: Sequence[str]) -> int:
    return 10 if len(layers) > _MOST_NAMES else 12


def _axes(figure: go.Figure, layers: Sequence[str], titles: Sequence[str]) -> None:
    figure.update_xaxes(
        type="category",
        showticklabels=True,
        tickangle=-90,
        tickfont={"size": _font(layers)},
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
