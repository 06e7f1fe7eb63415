"""What the policy made for one machine takes on another, as a map of cells."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from ui import format as fmt
from ui.theme import LIGHT, Palette, finish, text_on

_LIGHT, _DARK = ("#e6eff5", "#1f6a94"), ("#1c2c38", "#6db3dc")
_WORST = 2.0  # ratio at which the colour is full
_ROW, _HIGH_ROW, _HEAD, _HIGH_HEAD = 46, 60, 92, 190  # pixels
_LINE, _MOST_LINES = 13, 4  # of a name above its column
_MOST_FLAT, _MOST_WIDE = 6, 9  # columns: beyond, names stand upright, and units below amounts
_GAP = 0.06


@dataclass(frozen=True)
class Crossed:
    """``ratios[r][c]``: what row r takes on column c relative to the best there, None where it does
    not run; ``amounts`` the same with their unit, ``own`` the (row, column) of machines' own
    policies. ``rows`` are ``wrapped``, ``columns`` plain names."""

    rows: Sequence[str]
    columns: Sequence[str]
    ratios: Sequence[Sequence[float | None]]
    amounts: Sequence[Sequence[str]]
    own: Sequence[tuple[int, int]]


def cross_figure(crossed: Crossed, palette: Palette) -> go.Figure:
    """Policies down, machines across; a frame around each policy on its own machine."""
    cells = [
        (r, c, ratio, crossed.amounts[r][c])
        for r, line in enumerate(crossed.ratios)
        for c, ratio in enumerate(line)
    ]
    narrow = len(crossed.columns) > _MOST_WIDE
    colors = [_color(ratio, palette) for _, _, ratio, _ in cells]
    figure = go.Figure()
    figure.add_bar(
        **_boxes(cells),
        marker={"color": colors, "line": {"width": 0}},
        hovertext=[_hover(crossed, *cell) for cell in cells],
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    figure.add_scatter(
        x=[c for _, c, _, _ in cells],
        y=[r for r, _, _, _ in cells],
        text=[_text(ratio, amount, narrow) for _, _, ratio, amount in cells],
        mode="text",
        textfont={"size": 12, "color": [text_on(color) for color in colors]},
        hoverinfo="skip",
        showlegend=False,
    )
    for row, column in crossed.own:
        _frame(figure, row, column, palette)
    _axes(figure, crossed)
    head = _HIGH_HEAD if _upright(crossed) else _HEAD
    return finish(figure, palette, head + (_HIGH_ROW if narrow else _ROW) * len(crossed.rows))


def _upright(crossed: Crossed) -> bool:
    """Many names do not fit beside each other."""
    return len(crossed.columns) > _MOST_FLAT


def _boxes(cells: Sequence[tuple[int, int, float | None, str]]) -> dict[str, Any]:
    wide = 1 - _GAP
    return {
        "orientation": "h",
        "base": [column - wide / 2 for _, column, _, _ in cells],
        "x": [wide] * len(cells),
        "y": [row for row, _, _, _ in cells],
        "width": wide,
    }


def _color(ratio: float | None, palette: Palette) -> str:
    """From faint (as good as the best) to full (twice as much or more)."""
    low, high = _LIGHT if palette is LIGHT else _DARK
    if ratio is None:
        return palette.grid
    part = min(max(math.log(ratio) / math.log(_WORST), 0.0), 1.0)
    channels = [(int(low[i : i + 2], 16), int(high[i : i + 2], 16)) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in channels)


def _text(ratio: float | None, amount: str, narrow: bool) -> str:
    if ratio is None:
        return "–"
    return f"<b>{ratio:.2f}×</b><br>{amount.replace(' ', '<br>') if narrow else amount}"


def _hover(crossed: Crossed, row: int, column: int, ratio: float | None, amount: str) -> str:
    names = crossed.rows[row], crossed.columns[column]
    policy, machine = names[0].replace("<br>", " "), fmt.label(names[1])
    what = f"<b>{policy}</b><br>on {machine}"
    if ratio is None:
        return f"{what}<br>does not run, or none is within the loss"
    return f"{what}: {amount}<br>{ratio:.3f} times the best"


def _frame(figure: go.Figure, row: int, column: int, palette: Palette) -> None:
    figure.add_shape(
        type="rect",
        x0=column - 0.5 + _GAP / 2,
        x1=column + 0.5 - _GAP / 2,
        y0=row - 0.5 + _GAP / 2,
        y1=row + 0.5 - _GAP / 2,
        line={"color": palette.text, "width": 2},
    )


def _axes(figure: go.Figure, crossed: Crossed) -> None:
    columns, rows = crossed.columns, crossed.rows
    plain: dict[str, Any] = {"showgrid": False, "zeroline": False}
    figure.update_xaxes(
        tickvals=list(range(len(columns))),
        ticktext=[wrapped(name, 2 * _LINE if _upright(crossed) else _LINE) for name in columns],
        range=[-0.5, len(columns) - 0.5],
        side="top",
        tickangle=-90 if _upright(crossed) else 0,
        **plain,
    )
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=list(rows),
        range=[len(rows) - 0.5, -0.5],
        **plain,
    )


def wrapped(title: str, letters: int = _LINE) -> str:
    """A name in lines of so many letters. Example: BISMO edge (Zynq-7020) in two."""
    lines = textwrap.wrap(title, letters, max_lines=_MOST_LINES, placeholder=" …")
    return "<br>".join(fmt.label(line) for line in lines)
