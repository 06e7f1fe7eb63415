"""Two measures of the same cells against each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from qcore.sensitivity.compare import CommonCell
from qcore.sensitivity.row import SensitivityRow
from ui import format as fmt
from ui.figures.loss_axis import loss_axis
from ui.figures.symlog import Symlog
from ui.figures.unfaded import unfaded
from ui.theme import Palette, bit_color, finish


@dataclass(frozen=True)
class Measures:
    """What the two sides are called, and what they count: ``ΔL (nats)``."""

    names: tuple[str, str]
    quantities: tuple[str, str]

    @property
    def same_quantity(self) -> bool:
        return self.quantities[0] == self.quantities[1]


def scatter_figure(
    cells: Sequence[CommonCell], measures: Measures, focus: str, palette: Palette
) -> go.Figure:
    """One dot for each cell, coloured by its bits; the focused layer's have a ring.

    Symmetric-log axes, of the same scale where the quantities are the same; then the line of equal
    values is drawn too. The customdata of a dot is (layer, bits).
    """
    sides: tuple[Callable[[CommonCell], SensitivityRow], ...] = (
        lambda cell: cell.first,
        lambda cell: cell.second,
    )
    values = [[side(cell).delta_loss for cell in cells] for side in sides]
    spans = [[(r.delta_loss, r.ci_low, r.ci_high) for r in map(side, cells)] for side in sides]
    if measures.same_quantity:
        axes = [loss_axis(spans[0] + spans[1])] * 2
    else:
        axes = [loss_axis(one) for one in spans]
    figure = go.Figure()
    if measures.same_quantity:
        reach = [axes[0].axis(values[0] + values[1])] * 2
        _equal(figure, reach[0]["range"], palette)
    else:
        reach = [axis.axis(one) for axis, one in zip(axes, values, strict=True)]
    _intervals(figure, cells, axes, palette)
    for bits in sorted({cell.bits for cell in cells}):
        own = [cell for cell in cells if cell.bits == bits]
        _dots(figure, own, bits, axes, measures, palette)
    _rings(figure, [cell for cell in cells if cell.layer == focus], axes, palette)
    for update, i in ((figure.update_xaxes, 0), (figure.update_yaxes, 1)):
        update(title=f"{measures.names[i]}, {measures.quantities[i]}", **reach[i])
    finish(figure, palette, 480)
    return figure.update_layout(margin={"t": 36})


def _equal(figure: go.Figure, ends: list[float], palette: Palette) -> None:
    figure.add_scatter(
        x=ends,
        y=ends,
        mode="lines",
        line={"color": palette.muted, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        showlegend=False,
    )


def _rings(
    figure: go.Figure, cells: list[CommonCell], axes: Sequence[Symlog], palette: Palette
) -> None:
    figure.add_scatter(
        x=axes[0]([cell.first.delta_loss for cell in cells]),
        y=axes[1]([cell.second.delta_loss for cell in cells]),
        mode="markers",
        marker={"size": 15, "symbol": "circle-open", "color": palette.focus, "line": {"width": 2}},
        hoverinfo="skip",
        showlegend=False,
        **unfaded(),
    )


def _dots(
    figure: go.Figure,
    cells: list[CommonCell],
    bits: int,
    axes: Sequence[Symlog],
    measures: Measures,
    palette: Palette,
) -> None:
    figure.add_scatter(
        x=axes[0]([cell.first.delta_loss for cell in cells]),
        y=axes[1]([cell.second.delta_loss for cell in cells]),
        customdata=[[cell.layer, cell.bits] for cell in cells],
        hovertext=[_hover(cell, measures) for cell in cells],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="markers",
        marker={
            "size": 8,
            "color": bit_color(bits),
            "opacity": 0.9,
            "line": {"width": 0.5, "color": palette.grid},
        },
        name=f"{bits} bit",
        **unfaded(0.9),
    )


def _intervals(
    figure: go.Figure, cells: Sequence[CommonCell], axes: Sequence[Symlog], palette: Palette
) -> None:
    """All of them in one trace of separate strokes."""
    across: list[float | None] = []
    up: list[float | None] = []
    for cell in cells:
        rows = cell.first, cell.second
        centre = [axis([row.delta_loss] * 2) for row, axis in zip(rows, axes, strict=True)]
        for side, row in enumerate(rows):
            if row.ci_low is None or row.ci_high is None:
                continue
            ends = list(centre)
            ends[side] = axes[side]([row.ci_low, row.ci_high])
            across += [*ends[0].tolist(), None]
            up += [*ends[1].tolist(), None]
    figure.add_scatter(
        x=across,
        y=up,
        mode="lines",
        line={"color": palette.cloud, "width": 1},
        opacity=0.55,
        hoverinfo="skip",
        showlegend=False,
    )


def _hover(cell: CommonCell, measures: Measures) -> str:
    sides = zip(measures.names, measures.quantities, (cell.first, cell.second), strict=True)
    lines = "".join(
        f"<br>{fmt.label(name)}, {quantity}: {fmt.loss(row.delta_loss)}"
        for name, quantity, row in sides
    )
    return f"<b>{fmt.label(cell.layer)}</b> at {cell.bits} bits{lines}"
