"""What is known of calibration data, as charts."""

from __future__ import annotations

import plotly.graph_objects as go

from qcore.measure.data_report import DataReport
from ui import format as fmt
from ui.theme import Palette, finish

_MOST_LABELS = 24


def need_figure(report: DataReport, focus: str, palette: Palette) -> go.Figure:
    """One bar a layer: how far its threshold moves between the halves of the data, in percent."""
    names = [la.layer for la in report.layers]
    moves = [None if la.move is None else 100 * la.move for la in report.layers]
    colors = [palette.focus if name == focus else palette.accent for name in names]
    needed = [f"{la.images_needed:,}" for la in report.layers]
    figure = go.Figure(
        go.Bar(
            x=[fmt.label(name) for name in names],
            y=moves,
            customdata=[[name, need] for name, need in zip(names, needed, strict=True)],
            marker={"color": colors},
            hovertemplate="<b>%{x}</b><br>moves by %{y:.1f} %<br>CalibTIP's rule: "
            "%{customdata[1]} images<extra></extra>",
        )
    )
    figure.add_hline(y=10, line={"dash": "dot", "color": palette.muted, "width": 1})
    figure.update_xaxes(
        title="layer, in running order", type="category", showticklabels=len(names) <= _MOST_LABELS
    )
    figure.update_yaxes(title="threshold moves by (%)", rangemode="tozero")
    return finish(figure, palette, 300)


def balance_figure(report: DataReport, palette: Palette) -> go.Figure:
    """One bar a class that occurs: how many images it has."""
    figure = go.Figure(
        go.Bar(
            x=[str(label) for label, _ in report.class_counts],
            y=[count for _, count in report.class_counts],
            marker={"color": palette.accent},
            hovertemplate="class %{x}: %{y} images<extra></extra>",
        )
    )
    many = len(report.class_counts) > _MOST_LABELS
    figure.update_xaxes(title="class", type="category", showticklabels=not many)
    most = max((count for _, count in report.class_counts), default=1)
    figure.update_yaxes(title="images", rangemode="tozero", dtick=1 if most < 5 else None)
    return finish(figure, palette, 240)
