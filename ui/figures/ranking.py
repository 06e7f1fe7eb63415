"""Layers in the order of their sensitivity, as bars."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import plotly.graph_objects as go

from qcore.sensitivity.ranking import Ranked
from ui import format as fmt
from ui.figures.error_bars import error_bars
from ui.figures.loss_axis import loss_axis
from ui.figures.sensitivity import row_pixels
from ui.figures.symlog import Symlog
from ui.figures.unfaded import unfaded
from ui.theme import Palette, finish


def ranking_figure(
    ranked: Sequence[Ranked],
    keep: Collection[str],
    crush: Collection[str],
    focus: str,
    quantity: str,
    palette: Palette,
) -> go.Figure:
    """One bar for each layer with its 95 % interval, the most sensitive on top.

    Those to ``keep`` high and those to ``crush`` have a colour each, the focused one a frame.
    ``quantity`` names the axis. The customdata of a bar is the layer's name. Symmetric-log axis.
    """
    axis = loss_axis((r.value, r.low, r.high) for r in ranked)
    low = axis([r.value if r.low is None else r.low for r in ranked])
    high = axis([r.value if r.high is None else r.high for r in ranked])
    mid = axis([r.value for r in ranked])
    hues = {**dict.fromkeys(crush, palette.accent), **dict.fromkeys(keep, palette.focus)}
    outlines = [palette.text if r.layer == focus else "rgba(0,0,0,0)" for r in ranked]
    figure = go.Figure()
    figure.add_bar(
        orientation="h",
        x=mid,
        y=list(range(len(ranked))),
        width=0.72,
        customdata=[r.layer for r in ranked],
        hovertext=[_hover(r, i, quantity) for i, r in enumerate(ranked, 1)],
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "color": [hues.get(r.layer, palette.bar) for r in ranked],
            "line": {"color": outlines, "width": 2},
        },
        error_x=error_bars(low, mid, high, thickness=1, width=2, color=palette.muted),
        showlegend=False,
        **unfaded(),
    )
    each = row_pixels(len(ranked) or 1)
    _axes(figure, ranked, axis, quantity, each)
    return finish(figure, palette, 64 + each * len(ranked))


def _axes(
    figure: go.Figure, ranked: Sequence[Ranked], axis: Symlog, quantity: str, each: int
) -> None:
    figure.update_xaxes(title=quantity, **axis.axis([r.value for r in ranked] + _ends(ranked)))
    figure.update_yaxes(
        tickvals=list(range(len(ranked))),
        ticktext=[fmt.label(r.layer) for r in ranked],
        tickfont={"size": min(12, each - 2)},
        range=[len(ranked) - 0.5, -0.5],
        showgrid=False,
        zeroline=False,
    )


def _ends(ranked: Sequence[Ranked]) -> list[float]:
    return [end for r in ranked for end in (r.low, r.high) if end is not None]


def _hover(found: Ranked, place: int, quantity: str) -> str:
    within = fmt.interval(found.low, found.high)
    return (
        f"<b>{fmt.label(found.layer)}</b>, number {place}<br>{quantity}: {fmt.loss(found.value)}"
        f"{f'<br>95 %: {within}' if within else ''}"
    )
