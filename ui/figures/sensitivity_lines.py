"""ΔL of chosen layers against bits, all others behind them."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable
from ui import format as fmt
from ui.figures.cells import bits_title, cell_text, short_name
from ui.figures.error_bars import error_bars
from ui.figures.loss_axis import loss_axis
from ui.figures.spread import spread
from ui.figures.symlog import Symlog
from ui.figures.unfaded import unfaded
from ui.theme import Palette, finish

# Okabe and Ito's, told apart with every kind of colour blindness; the focus has its own.
_LIGHT = ("#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#8a6d00")
_DARK = ("#56B4E9", "#2fbf95", "#CC79A7", "#F0E442", "#b9a7f0")
MOST_COMPARED = len(_LIGHT)
"""Lines beside the focused one that can be told apart."""
_ABOVE, _BELOW = 8, 46  # pixels
_LABEL, _LETTER, _AWAY = 17, 6.6, 14  # pixels: of a label's line, of a letter, from a line's end


def line_figure(
    table: SensitivityTable, focus: str, compared: Sequence[str], palette: Palette
) -> go.Figure:
    """The focused layer and the compared ones with 95 % intervals, named at their ends.

    Symmetric-log axis; bit widths stand as far apart as in the heat map. The customdata of every
    mark is (layer, bits).
    """
    widths = list(table.config.bits)
    place = {bits: i for i, bits in enumerate(widths)}
    axis = loss_axis((r.delta_loss, r.ci_low, r.ci_high) for r in table.rows)
    by_layer: dict[str, list[SensitivityRow]] = {la.name: [] for la in table.network.layers}
    for row in table.rows:
        by_layer[row.layer].append(row)
    others = [name for name in compared if name != focus][:MOST_COMPARED]
    colours = _DARK if palette.template == "plotly_dark" else _LIGHT
    chosen = [*zip(others, colours, strict=False), (focus, palette.focus)]
    figure = go.Figure()
    rest = [rows for name, rows in by_layer.items() if name not in (focus, *others)]
    _background(figure, rest, table, axis, place, palette)
    for name, color in chosen:
        _line(figure, by_layer[name], table, axis, place, color, name == focus)
    values = [v for r in table.rows for v in _shown(r, (focus, *others))]
    vertical = axis.axis(values)
    ends = [(name, color, by_layer[name][-1]) for name, color in chosen if by_layer[name]]
    height = _height(len(by_layer))
    _names(figure, ends, axis, place, vertical["range"], height)
    figure.update_xaxes(
        title=bits_title(table),
        tickvals=list(place.values()),
        ticktext=[str(bits) for bits in widths],
        range=[-0.25, len(widths) - 0.85],
        zeroline=False,
    )
    figure.update_yaxes(title=table.config.quantity_in_unit(), **vertical)
    finish(figure, palette, height)
    letters = max((len(short_name(name)) for name, _, _ in ends), default=0)
    figure.update_layout(margin={"r": 16 + _AWAY + round(_LETTER * letters), "t": _ABOVE})
    return figure


def _height(layers: int) -> int:
    """Beside a long map there is room for a high chart."""
    return 400 if layers <= 24 else 520


def _shown(row: SensitivityRow, chosen: tuple[str, ...]) -> list[float]:
    if row.layer not in chosen or row.ci_low is None or row.ci_high is None:
        return [row.delta_loss]
    return [row.delta_loss, row.ci_low, row.ci_high]


def _background(
    figure: go.Figure,
    layers: list[list[SensitivityRow]],
    table: SensitivityTable,
    axis: Symlog,
    place: dict[int, int],
    palette: Palette,
) -> None:
    """All other layers in one trace, their lines broken by a gap."""
    gap: list[SensitivityRow | None] = [None]
    rows = [row for own in layers for row in (*own, *gap)]
    heights = iter(axis([row.delta_loss for row in rows if row]))
    figure.add_scatter(
        x=[place[row.bits] if row else None for row in rows],
        y=[float(next(heights)) if row else None for row in rows],
        customdata=[[row.layer, row.bits] if row else [None, None] for row in rows],
        hovertext=[cell_text(row, table) if row else "" for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="lines+markers",
        line={"width": 1, "color": palette.cloud},
        marker={"size": 4, "color": palette.cloud},
        opacity=0.6,
        name="all others",
        showlegend=False,
        **unfaded(),
    )


def _line(
    figure: go.Figure,
    rows: list[SensitivityRow],
    table: SensitivityTable,
    axis: Symlog,
    place: dict[int, int],
    color: str,
    focused: bool,
) -> None:
    low = axis([r.delta_loss if r.ci_low is None else r.ci_low for r in rows])
    high = axis([r.delta_loss if r.ci_high is None else r.ci_high for r in rows])
    mid = axis([r.delta_loss for r in rows])
    figure.add_scatter(
        x=[place[r.bits] for r in rows],
        y=mid,
        error_y=error_bars(low, mid, high, thickness=1.4, width=4),
        customdata=[[r.layer, r.bits] for r in rows],
        hovertext=[cell_text(r, table) for r in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="lines+markers",
        line={"width": 3 if focused else 2, "color": color},
        marker={"size": 9 if focused else 7, "color": color},
        name=fmt.label(rows[0].layer) if rows else "",
        showlegend=False,
        **unfaded(),
    )


def _names(
    figure: go.Figure,
    ends: list[tuple[str, str, SensitivityRow]],
    axis: Symlog,
    place: dict[int, int],
    reach: list[float],
    height: int,
) -> None:
    levels = [float(axis([row.delta_loss])[0]) for _, _, row in ends]
    pixels = (height - _ABOVE - _BELOW) / (reach[1] - reach[0])
    wanted = [(reach[1] - level) * pixels for level in levels]
    found = spread(wanted, _LABEL)
    for (name, color, row), level, at, to in zip(ends, levels, wanted, found, strict=True):
        figure.add_annotation(
            x=place[row.bits],
            y=level,
            text=fmt.label(short_name(name)),
            font={"color": color, "size": 12},
            xanchor="left",
            ax=_AWAY,
            ay=to - at,
            standoff=6,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=color,
        )
