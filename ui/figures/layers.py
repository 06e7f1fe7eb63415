"""Bars per layer: where weights and operations are."""

from __future__ import annotations

import plotly.graph_objects as go

from qcore.graph.layer import Description
from ui import format as fmt
from ui.theme import Palette, finish


def share_figure(network: Description, focus: str, palette: Palette) -> go.Figure:
    """Each layer's share of weights and of multiply-accumulates, in running order."""
    names = [layer.name for layer in network.layers]
    parts = (
        ("weights", [la.weight_count / network.weight_count for la in network.layers]),
        ("multiply-accumulates", [la.macs / network.macs for la in network.layers]),
    )
    outline = [palette.focus if name == focus else "rgba(0,0,0,0)" for name in names]
    figure = go.Figure()
    for (label, values), color in zip(parts, (palette.accent, palette.bar), strict=True):
        figure.add_bar(
            x=[fmt.label(name) for name in names],
            y=[100 * value for value in values],
            name=label,
            customdata=names,
            marker={"color": color, "line": {"color": outline, "width": 2}},
            hovertemplate="%{x}<br>%{y:.1f} % of " + label + "<extra></extra>",
        )
    figure.update_xaxes(
        title="layer, in running order", type="category", showticklabels=len(names) <= 24
    )
    figure.update_yaxes(title="share of the network (%)")
    figure.update_layout(barmode="group", bargap=0.25)
    return finish(figure, palette, 320)
