"""What each kernel of a layer adds to the loss, as sorted bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from qcore.sensitivity.kernel_estimates import KernelEstimates
from ui import format as fmt
from ui.figures.error_bars import Floats, error_bars
from ui.figures.loss_axis import loss_axis
from ui.theme import Palette, finish

WORST, LEAST = 100, 20
"""Of a wide layer, so many kernels at either end are drawn."""

_GAP = 3  # bars' widths between the two ends
_NAMED = 40  # bars that can bear a number each
_HEIGHT = 340


@dataclass(frozen=True, eq=False)
class KernelBars:
    """The drawn kernels of a layer, the largest loss first: their numbers, losses, raw means (None
    where those are the losses), and the ends of their intervals (the losses where there are none).
    """

    layer: str
    bits: int
    unit: str
    total: int
    kernels: npt.NDArray[np.int64]
    losses: Floats
    raw: Floats | None
    low: Floats
    high: Floats

    @property
    def hidden(self) -> int:
        """How many kernels between the worst and the least are not drawn."""
        return self.total - len(self.kernels)


def kernel_bars(found: KernelEstimates, layer: str, bits: int, unit: str) -> KernelBars:
    """Those of a layer at a bit width: all, or the worst and the least."""
    rows, column = found.rows(layer), found.bits.index(bits)
    losses = found.shrunk[rows, column]
    order = np.argsort(-losses, kind="stable")
    if len(order) > WORST + LEAST:
        order = np.concatenate([order[:WORST], order[-LEAST:]])
    ends = [found.shrunk if end is None else end for end in (found.low, found.high)]
    low, high = (end[rows, column][order] for end in ends)
    raw = found.raw[rows, column][order] if found.is_shrunk(bits) else None
    return KernelBars(layer, bits, unit, len(losses), order, losses[order], raw, low, high)


def kernel_losses_figure(bars: KernelBars, chosen: int | None, palette: Palette) -> go.Figure:
    """A bar for each kernel with its 95 % interval, the worst on the left.

    A dash is the raw mean, where the bar is another value. The chosen kernel has a colour. The
    customdata of a mark is the kernel. Symmetric-log axis.
    """
    spans = zip(bars.losses.tolist(), bars.low.tolist(), bars.high.tolist(), strict=True)
    axis = loss_axis(spans)
    places = np.arange(len(bars.kernels), dtype=float)
    places[WORST:] += _GAP if bars.hidden else 0
    whole = {"marker": {"opacity": 1}}
    shared: dict[str, Any] = {
        "x": places,
        "customdata": bars.kernels.tolist(),
        "hovertext": _hover(bars),
        "hovertemplate": "%{hovertext}<extra></extra>",
        "selected": whole,
        "unselected": whole,
    }
    colors = [palette.focus if kernel == chosen else palette.bar for kernel in bars.kernels]
    figure = go.Figure()
    figure.add_bar(
        y=axis(bars.losses),
        width=0.8,
        marker={"color": colors},
        error_y=error_bars(
            *map(axis, (bars.low, bars.losses, bars.high)),
            thickness=0.8,
            width=0,
            color=palette.muted,
        ),
        name="ΔL with its 95 % interval",
        **shared,
    )
    raw = [] if bars.raw is None else [bars.raw]
    dash = {"symbol": "line-ew", "size": 7, "line": {"width": 2, "color": palette.accent}}
    for values in raw:
        figure.add_scatter(y=axis(values), mode="markers", marker=dash, name="raw mean", **shared)
    _kernel_axis(figure, bars, places)
    shown = np.concatenate([bars.losses, *raw, bars.low, bars.high]).tolist()
    figure.update_yaxes(title=f"ΔL ({bars.unit})", **axis.axis(shown))
    return finish(figure, palette, _HEIGHT)


def _kernel_axis(figure: go.Figure, bars: KernelBars, places: Floats) -> None:
    named = len(places) <= _NAMED
    figure.update_xaxes(
        title="kernel, the worst on the left",
        tickvals=places.tolist() if named else [],
        ticktext=[str(kernel) for kernel in bars.kernels] if named else [],
        range=[-0.7, places[-1] + 0.7],
        showgrid=False,
        zeroline=False,
    )


def _hover(bars: KernelBars) -> list[str]:
    name = fmt.label(bars.layer)
    raw = [None] * len(bars.kernels) if bars.raw is None else bars.raw.tolist()
    columns = (bars.kernels, bars.losses, raw, bars.low, bars.high)
    return [
        f"<b>kernel {kernel}</b> of {name} at {bars.bits} bits"
        f"<br>ΔL {fmt.loss(value)} {bars.unit}"
        f"{f'<br>95 %: {fmt.interval(low, high)}' if low < high else ''}"
        f"{'' if mean is None else f'<br>raw mean {fmt.loss(mean)}'}"
        for kernel, value, mean, low, high in zip(*columns, strict=True)
    ]
