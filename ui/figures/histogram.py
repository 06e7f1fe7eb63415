"""Histogram of weights with the quantization grid laid over it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from qcore.quantize.grid import Grid
from ui.theme import Palette, bit_color, finish

_MOST_LINES = 160  # an 8-bit grid has 255 levels; denser lines would be a solid block


@dataclass(frozen=True, eq=False)
class Bins:
    """Counts (bins,) between edges (bins + 1,)."""

    counts: npt.NDArray[np.int64]
    edges: npt.NDArray[np.float64]


def bin_weights(weights: npt.ArrayLike, threshold: float) -> Bins:
    """Bins over all weights, symmetric around zero, wide enough to show the threshold too."""
    values = np.asarray(weights, dtype=np.float64).reshape(-1)
    reach = max(float(np.abs(values).max(initial=0.0)), threshold) or 1.0
    number = int(np.clip(4 * np.sqrt(values.size), 31, 255)) | 1
    counts, edges = np.histogram(values, bins=number, range=(-reach, reach))
    return Bins(counts, edges)


def histogram_figure(bins: Bins, grid: Grid, palette: Palette) -> go.Figure:
    """Bars, one line a level, and the clipping threshold on both sides."""
    centres = (bins.edges[:-1] + bins.edges[1:]) / 2
    figure = go.Figure(
        go.Bar(
            x=centres,
            y=bins.counts,
            width=np.diff(bins.edges),
            marker={"color": palette.bar, "line": {"width": 0}},
            hovertemplate="weight %{x:.4g}<br>%{y:,} weights<extra></extra>",
            showlegend=False,
        )
    )
    top = float(bins.counts.max(initial=1)) * 1.08
    levels = grid.levels()
    dense = len(levels) > _MOST_LINES
    shown = levels[:: -(-len(levels) // _MOST_LINES)] if dense else levels
    lines = np.repeat(shown, 3)
    heights = np.tile([0.0, top, np.nan], len(shown))
    figure.add_scatter(
        x=lines,
        y=heights,
        mode="lines",
        line={"color": bit_color(grid.bits), "width": 1 if grid.bits > 4 else 1.6},
        opacity=0.9 if len(shown) < 40 else 0.55,
        name=f"{len(levels)} levels, {grid.bits} bits",
        hoverinfo="skip",
    )
    for side in (-1, 1):
        figure.add_vline(
            x=side * grid.threshold,
            line={"color": palette.focus, "width": 1.5, "dash": "dash"},
            annotation={
                "text": f"threshold {side * grid.threshold:.3g}",
                "font": {"color": palette.focus},
                "bgcolor": "rgba(0,0,0,0)",
            },
            annotation_position="top left" if side < 0 else "top right",
        )
    figure.update_xaxes(title="weight value")
    step = 1 if top < 8 else None  # counts are whole numbers
    figure.update_yaxes(
        title="weights per bin", range=[0, top * 1.12], tickformat=",d", nticks=7, dtick=step
    )
    figure.update_layout(bargap=0, showlegend=False)
    return finish(figure, palette, 380)
