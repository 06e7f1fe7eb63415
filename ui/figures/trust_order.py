"""Measured loss of whole configurations against sums of a measure that is no loss."""

from __future__ import annotations

import plotly.graph_objects as go

from qcore.measure.trusted import TrustCheck
from ui import format as fmt
from ui.figures.error_bars import error_bars
from ui.figures.loss_axis import loss_axis
from ui.figures.trust_marks import configuration_text
from ui.theme import Palette, finish


def trust_order_figure(check: TrustCheck, palette: Palette) -> go.Figure:
    """Measured loss across with its 95 % interval, the sum of the measure up.

    Each axis is symmetric-log on its own: only the order of the two can agree. The customdata of a
    mark is the number of its point.
    """
    points = check.points
    spans = [(p.measured, p.ci_low, p.ci_high) for p in points]
    across, up = loss_axis(spans), loss_axis((p.additive, None, None) for p in points)
    low, mid, high = (
        across([p.measured if end is None else end for p, end in zip(points, ends, strict=True)])
        for ends in zip(*((low, value, high) for value, low, high in spans), strict=True)
    )
    name = f"sum of {check.quantity}"
    sums = [f"{name}: {fmt.loss(p.additive)}" for p in points]
    texts = [configuration_text(p, check.unit) for p in points]
    figure = go.Figure()
    figure.add_scatter(
        x=mid,
        y=up([p.additive for p in points]),
        error_x=error_bars(low, mid, high, thickness=1.2, width=0, color=palette.cloud),
        customdata=list(range(len(points))),
        hovertext=["<br>".join([*text, own]) for text, own in zip(texts, sums, strict=True)],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="markers",
        marker={"size": 9, "color": palette.accent},
        name=name,
        showlegend=False,
    )
    ends = [end for span in spans for end in span if end is not None]
    figure.update_xaxes(title=f"measured ΔL ({check.unit})", **across.axis(ends))
    figure.update_yaxes(title=f"{name} over layers", **up.axis([p.additive for p in points]))
    return finish(figure, palette, 500)
