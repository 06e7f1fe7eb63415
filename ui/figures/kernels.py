"""Kernels as a raster of coloured squares, so that outliers stand out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from ui.theme import Palette, finish

MOST_KERNELS = 2048
"""More squares than that could neither be told apart nor clicked."""

_HEIGHT, _WIDER = 320, 1.9  # of the raster: pixels, and how much wider than high it is
_AXES = 60  # pixels of the height that labels take


@dataclass(frozen=True, eq=False)
class KernelMap:
    """Of each of ``kernels``: a value that colours its square, NaN none, and what it says."""

    kernels: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    texts: tuple[str, ...]
    title: str


def drawn_kernels(sqnr_db: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Which kernels are drawn, rising: all, or the ``MOST_KERNELS`` of lowest SQNR (NaN last)."""
    if len(sqnr_db) <= MOST_KERNELS:
        return np.arange(len(sqnr_db))
    return np.sort(np.argsort(sqnr_db, kind="stable")[:MOST_KERNELS])


def kernel_figure(shown: KernelMap, chosen: int | None, palette: Palette) -> go.Figure:
    """One square for each kernel, in rows; the chosen one has a frame.

    Transparent marks over the squares carry the clicks (plotly reports none for heat maps); their
    customdata is the kernel.
    """
    kernels = shown.kernels
    columns = math.ceil(math.sqrt(len(kernels) * _WIDER))
    rows = math.ceil(len(kernels) / columns)
    colours = np.full(rows * columns, np.nan)
    colours[: len(kernels)] = shown.values
    figure = go.Figure(
        go.Heatmap(
            z=colours.reshape(rows, columns),
            colorscale="Cividis",
            xgap=1,
            ygap=1,
            hoverinfo="skip",
            colorbar={
                "title": {"text": shown.title, "side": "right", "font": {"size": 13}},
                "thickness": 12,
                "outlinewidth": 0,
            },
        )
    )
    place = np.arange(len(kernels))
    figure.add_scatter(
        x=place % columns,
        y=place // columns,
        customdata=kernels,
        hovertext=shown.texts,
        mode="markers",
        marker={"size": (_HEIGHT - _AXES) / rows, "symbol": "square", "opacity": 0},
        hovertemplate="%{hovertext}<extra></extra>",
        showlegend=False,
    )
    for spot in np.flatnonzero(kernels == chosen):
        column, row = int(spot % columns), int(spot // columns)
        figure.add_shape(
            type="rect",
            x0=column - 0.5,
            x1=column + 0.5,
            y0=row - 0.5,
            y1=row + 0.5,
            line={"color": palette.focus, "width": 3},
        )
    _axes(figure, kernels, rows, columns)
    return finish(figure, palette, _HEIGHT)


def _axes(figure: go.Figure, kernels: npt.NDArray[np.int64], rows: int, columns: int) -> None:
    """Rows are called after their first kernel; columns count on from there."""
    every = math.ceil(rows / 8)
    first = list(range(0, rows, every))
    quiet = {"showgrid": False, "zeroline": False}
    figure.update_yaxes(
        title="kernel",
        tickvals=first,
        ticktext=[str(kernels[row * columns]) for row in first],
        range=[rows - 0.5, -0.5],
        **quiet,
    )
    figure.update_xaxes(title="place in the row", range=[-0.5, columns - 0.5], nticks=8, **quiet)
