"""ΔL of every layer at every bit width."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable
from ui import format as fmt
from ui.figures.symlog import symlog_for
from ui.format import interval, loss
from ui.theme import Palette, bit_color, finish

_SCALE = [(0.0, "#dfeaf2"), (0.35, "#8fc1dd"), (0.65, "#f0b93a"), (1.0, "#c2410c")]
_DARK_SCALE = [(0.0, "#1d2f3d"), (0.35, "#33708f"), (0.65, "#d39b21"), (1.0, "#e2571b")]
_UNCERTAIN = {"light": "#edf0f2", "dark": "#222b33"}
_LOWEST, _HIGHEST = 1e-5, 1.0


def heatmap_figure(table: SensitivityTable, focus: str, palette: Palette) -> go.Figure:
    """Layers down, bits across; colour is log ΔL; grey where its interval reaches zero or below.

    Transparent squares over the cells carry the clicks (plotly reports none for heat maps); their
    customdata is (layer, bits).
    """
    names = [layer.name for layer in table.network.layers]
    unit = table.config.unit
    bits = list(table.config.bits)
    cells = {(row.layer, row.bits): row for row in table.rows}
    grid = [[cells.get((name, b)) for b in bits] for name in names]
    dark = palette.template == "plotly_dark"
    flat = [(end, _UNCERTAIN["dark" if dark else "light"]) for end in (0.0, 1.0)]
    figure = go.Figure()
    for uncertain in (True, False):
        figure.add_heatmap(
            z=[[_shade(row, uncertain) for row in line] for line in grid],
            x=list(range(len(bits))),
            y=list(range(len(names))),
            xgap=2,
            ygap=2,
            zmin=math.log10(_LOWEST),
            zmax=math.log10(_HIGHEST),
            colorscale=flat if uncertain else (_DARK_SCALE if dark else _SCALE),
            showscale=not uncertain,
            colorbar={
                "title": {"text": f"ΔL ({unit})", "side": "right"},
                "tickvals": [-5, -4, -3, -2, -1, 0],
                "ticktext": ["≤10<sup>−5</sup>", "10<sup>−4</sup>", "0.001", "0.01", "0.1", "≥1"],
                "thickness": 12,
                "outlinewidth": 0,
            },
            hoverinfo="skip",
        )
    known = [(y, x, row) for y, line in enumerate(grid) for x, row in enumerate(line) if row]
    figure.add_scatter(
        x=[x for _, x, _ in known],
        y=[y for y, _, _ in known],
        customdata=[[row.layer, row.bits] for _, _, row in known],
        text=[loss(row.delta_loss) for _, _, row in known],
        hovertext=[_hover(row, unit) for _, _, row in known],
        mode="markers+text",
        marker={"size": 18, "symbol": "square", "opacity": 0},
        textfont={"size": 11, "color": palette.text},
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    row = names.index(focus)
    figure.add_shape(
        type="rect",
        x0=-0.5,
        x1=len(bits) - 0.5,
        y0=row - 0.5,
        y1=row + 0.5,
        line={"color": palette.focus, "width": 2},
    )
    # Numbered axes with names on them: the frame stands before the first cell has a value.
    _axis(figure.update_xaxes, [str(b) for b in bits], title=_bits_title(table), side="top")
    _axis(figure.update_yaxes, names, range=[len(names) - 0.5, -0.5])
    return finish(figure, palette, max(320, 70 + 24 * len(names)))


def _axis(update: Callable[..., object], labels: list[str], **settings: object) -> None:
    settings = {"range": [-0.5, len(labels) - 0.5], **settings}
    shown = [fmt.label(str(text)) for text in labels]
    ticks = {"tickvals": list(range(len(labels))), "ticktext": shown}
    update(showgrid=False, zeroline=False, **ticks, **settings)


def line_figure(
    table: SensitivityTable, layers: tuple[str, ...], focus: str, palette: Palette
) -> go.Figure:
    """ΔL against bits with 95 % intervals, the focused layer in front; symmetric-log axis."""
    rows = [row for row in table.rows if row.layer in layers]
    values = [v for r in rows for v in (r.delta_loss, r.ci_low, r.ci_high) if v is not None]
    axis = symlog_for(row.delta_loss for row in table.rows)
    unit = table.config.unit
    figure = go.Figure()
    for name in sorted(layers, key=lambda layer: layer == focus):
        own = [row for row in rows if row.layer == name]
        low = axis([r.delta_loss if r.ci_low is None else r.ci_low for r in own])
        high = axis([r.delta_loss if r.ci_high is None else r.ci_high for r in own])
        mid = axis([r.delta_loss for r in own])
        chosen = name == focus
        figure.add_scatter(
            x=[r.bits for r in own],
            y=mid,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": high - mid,
                "arrayminus": mid - low,
                "thickness": 1.4 if chosen else 0.6,
                "width": 4 if chosen else 0,
            },
            mode="lines+markers",
            line={"width": 2.4 if chosen else 1, "color": palette.focus if chosen else palette.bar},
            marker={
                "size": 9 if chosen else 5,
                "color": [bit_color(r.bits) for r in own] if chosen else palette.bar,
            },
            name=fmt.label(name),
            hovertext=[_hover(r, unit) for r in own],
            hovertemplate="%{hovertext}<extra></extra>",
            showlegend=False,
        )
    widths = table.config.bits
    reach = [widths[0] - 0.4, widths[-1] + 0.4]
    figure.update_xaxes(title=_bits_title(table), tickvals=list(widths), range=reach)
    figure.update_yaxes(title=f"ΔL ({unit})", **axis.axis(values))
    return finish(figure, palette, 360)


def _shade(row: SensitivityRow | None, uncertain: bool) -> float:
    if row is None or uncertain is not _no_loss_shown(row):
        return float("nan")
    return float(np.log10(np.clip(row.delta_loss, _LOWEST, _HIGHEST)))


def _no_loss_shown(row: SensitivityRow) -> bool:
    return row.ci_low is None or row.ci_low <= 0


def _hover(row: SensitivityRow, unit: str) -> str:
    return (
        f"<b>{fmt.label(row.layer)}</b> at {row.bits} bits<br>ΔL {loss(row.delta_loss)} {unit}"
        f"<br>95 %: {interval(row.ci_low, row.ci_high)}<br>{row.samples:,} images"
    )


def _bits_title(table: SensitivityTable) -> str:
    return "weight bits" if table.config.target == "weight" else "input bits"
