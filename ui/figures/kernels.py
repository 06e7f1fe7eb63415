"""One mark a kernel: its largest weight, so that outliers stand out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from ui.theme import Palette, bit_color, finish

_MOST_MARKS = 2000


def kernel_figure(
    amax: npt.NDArray[np.float64],
    thresholds: npt.NDArray[np.float64],
    bits: int,
    chosen: int | None,
    palette: Palette,
) -> go.Figure:
    """Largest magnitude and clipping threshold of every kernel (both of shape (kernels,))."""
    step = -(-len(amax) // _MOST_MARKS)
    index = np.arange(0, len(amax), step)
    figure = go.Figure()
    for label, values, color, symbol in (
        ("largest magnitude", amax, palette.muted, "circle-open"),
        (f"threshold at {bits} bits", thresholds, bit_color(bits), "circle"),
    ):
        figure.add_scatter(
            x=index,
            y=values[index],
            customdata=index,
            mode="markers",
            name=label,
            marker={"color": color, "size": 6, "symbol": symbol},
            hovertemplate="kernel %{x}<br>" + label + " %{y:.4g}<extra></extra>",
        )
    if chosen is not None:
        figure.add_vline(x=chosen, line={"color": palette.focus, "width": 1.5})
    figure.update_xaxes(title="kernel (output channel)")
    figure.update_yaxes(title="weight value", rangemode="tozero")
    return finish(figure, palette, 300)


def error_figure(sqnr_db: dict[int, float | None], bits: int, palette: Palette) -> go.Figure:
    """Signal-to-noise ratio of the rounded weights against the bit width."""
    widths = list(sqnr_db)
    figure = go.Figure(
        go.Scatter(
            x=widths,
            y=list(sqnr_db.values()),
            mode="lines+markers",
            line={"color": palette.muted, "width": 1.5},
            marker={
                "color": [bit_color(b) for b in widths],
                "size": [14 if b == bits else 9 for b in widths],
            },
            hovertemplate="%{x} bits: %{y:.1f} dB<extra></extra>",
        )
    )
    figure.update_xaxes(title="bits", dtick=1)
    figure.update_yaxes(title="SQNR (dB)")
    return finish(figure, palette, 300)
