"""A small histogram of one kernel's weights with the values that remain after rounding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from ui.theme import Palette, bit_color, finish

_BINS, _HEIGHT = 48, 220


def kernel_histogram_figure(
    weights: npt.NDArray[np.float32],
    levels: npt.NDArray[np.float64] | None,
    bits: int,
    palette: Palette,
) -> go.Figure:
    """Counts of the weights (any shape), and a line for each level, rising; None: no grid."""
    values = np.asarray(weights, float).ravel()
    reach = float(np.abs(values).max(initial=0)) or 1.0
    counts, edges = np.histogram(values, _BINS, (-reach, reach))
    figure = go.Figure()
    figure.add_bar(
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=edges[1] - edges[0],
        marker={"color": palette.bar, "line": {"width": 0}},
        hovertemplate="around %{x:.3g}: %{y}<extra></extra>",
        showlegend=False,
    )
    if levels is not None:
        ends = np.array([0.0, float(counts.max()), np.nan])
        figure.add_scatter(
            x=np.repeat(levels, 3),
            y=np.tile(ends, len(levels)),
            mode="lines",
            line={"width": 1.2, "color": bit_color(bits)},
            hoverinfo="skip",
            showlegend=False,
        )
    widest = 1.04 * max(reach, 0.0 if levels is None else float(np.abs(levels).max()))
    figure.update_xaxes(title="weight value", nticks=6, showgrid=False, range=[-widest, widest])
    figure.update_yaxes(title="weights", nticks=4, rangemode="tozero")
    return finish(figure, palette, _HEIGHT)
