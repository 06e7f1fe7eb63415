"""Bits per layer, and the curve that an allocation lies on."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from qcore.allocate.curve import CurvePoint
from qcore.graph.layer import Description
from ui import format as fmt
from ui.figures.error_bars import error_bars
from ui.figures.symlog import Symlog, symlog_for
from ui.format import interval, loss, size
from ui.theme import Palette, bit_color, finish, text_on

_MOST_LABELS = 24  # beyond this many layers a name or a number does not fit its bar


@dataclass(frozen=True)
class Curves:
    """What the chosen allocation is seen against."""

    frontier: tuple[CurvePoint, ...]
    uniform: tuple[CurvePoint, ...]
    random: tuple[CurvePoint, ...]


@dataclass(frozen=True)
class MeasuredPoint:
    """An allocation's true ΔL on held-out images, with its interval."""

    label: str
    size_bytes: float
    delta_loss: float
    low: float | None
    high: float | None


def bits_figure(
    network: Description, bits: Mapping[str, int], focus: str, palette: Palette
) -> go.Figure:
    """One bar a layer, as high as its bits, in the bit ramp; the number stands in the bar."""
    names = [layer.name for layer in network.layers]
    values = [bits[name] for name in names]
    share = [100 * layer.weight_count / network.weight_count for layer in network.layers]
    colors = [bit_color(b) for b in values]
    outline = [palette.focus if name == focus else "rgba(0,0,0,0)" for name in names]
    figure = go.Figure(
        go.Bar(
            x=[fmt.label(name) for name in names],
            y=values,
            customdata=[[name, s] for name, s in zip(names, share, strict=True)],
            text=[str(b) for b in values] if len(names) <= _MOST_LABELS else None,
            textposition="inside",
            insidetextanchor="end",
            textangle=0,
            textfont={"color": [text_on(c) for c in colors]},
            marker={"color": colors, "line": {"color": outline, "width": 2.5}},
            hovertemplate="<b>%{x}</b><br>%{y} bits<br>%{customdata[1]:.1f} % of weights"
            "<extra></extra>",
        )
    )
    figure.update_xaxes(
        title="layer, in running order", type="category", showticklabels=len(names) <= _MOST_LABELS
    )
    figure.update_yaxes(title="weight bits", range=[0, max(8, *values) + 0.4], dtick=2)
    figure.update_layout(bargap=0.12)
    return finish(figure, palette, 380)


def pareto_figure(
    curves: Curves,
    chosen: CurvePoint,
    measured: Sequence[MeasuredPoint],
    full_precision_bytes: float,
    quantity: str,
    palette: Palette,
) -> go.Figure:
    """A ``quantity``, as ΔL (nats), against size: frontier, uniform line, random cloud, this
    budget, what was measured."""
    points = (*curves.frontier, *curves.uniform, *curves.random)
    shown = [p.predicted_loss for p in points] + [m.delta_loss for m in measured]
    axis = symlog_for(p.predicted_loss for p in curves.frontier)
    figure = go.Figure()
    _add(
        figure,
        curves.random,
        axis,
        "random",
        mode="markers",
        marker={"color": palette.cloud, "size": 4},
    )
    _add(
        figure,
        curves.uniform,
        axis,
        "uniform",
        mode="lines+markers+text",
        line={"color": palette.muted, "dash": "dot", "width": 1.5},
        text=[f"{_width(p)} bit" for p in curves.uniform],
        textposition="top right",
        textfont={"color": palette.muted, "size": 11},
        marker={
            "size": 10,
            "symbol": "square",
            "line": {"width": 1, "color": palette.text},
            "color": [bit_color(_width(p)) for p in curves.uniform],
        },
    )
    _add(
        figure,
        curves.frontier,
        axis,
        "frontier",
        mode="lines",
        line={"color": palette.accent, "width": 2.5},
    )
    _add(
        figure,
        (chosen,),
        axis,
        "this budget",
        mode="markers",
        marker={
            "size": 15,
            "symbol": "diamond",
            "color": palette.focus,
            "line": {"width": 1.5, "color": palette.text},
        },
    )
    _add_measured(figure, measured, axis, palette)
    figure.update_xaxes(
        title=f"size of the network (32 bit: {size(full_precision_bytes)})",
        tickformat="~s",
        ticksuffix="B",
        range=_reach(p.size_bytes for p in points),
    )
    figure.update_yaxes(title=quantity, **axis.axis(shown))
    return finish(figure, palette, 430)


def _reach(values: Iterable[float]) -> list[float]:
    """An axis range with room on both sides for labels."""
    known = list(values)
    room = 0.08 * (max(known) - min(known) or 1.0)
    return [min(known) - room, max(known) + room]


def _add(
    figure: go.Figure, points: Sequence[CurvePoint], axis: Symlog, name: str, **style: Any
) -> None:
    figure.add_scatter(
        x=[p.size_bytes for p in points],
        y=axis([p.predicted_loss for p in points]),
        name=name,
        hovertext=[
            f"<b>{name}</b><br>{size(p.size_bytes)}, {p.average_bits:.2f} bits on average"
            f"<br>predicted ΔL {loss(p.predicted_loss)}"
            for p in points
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        **style,
    )


def _add_measured(
    figure: go.Figure, measured: Sequence[MeasuredPoint], axis: Symlog, palette: Palette
) -> None:
    if not measured:
        return
    mid = axis([m.delta_loss for m in measured])
    low = axis([m.delta_loss if m.low is None else m.low for m in measured])
    high = axis([m.delta_loss if m.high is None else m.high for m in measured])
    figure.add_scatter(
        x=[m.size_bytes for m in measured],
        y=mid,
        error_y=error_bars(low, mid, high),
        mode="markers",
        name="measured",
        marker={
            "size": 11,
            "symbol": "x",
            "color": palette.text,
        },
        hovertext=[
            f"<b>measured</b><br>{m.label}<br>{size(m.size_bytes)}<br>ΔL {loss(m.delta_loss)}"
            f"<br>95 %: {interval(m.low, m.high)}"
            for m in measured
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _width(point: CurvePoint) -> int:
    """The bit width that most layers of a uniform allocation have (pins may differ)."""
    return statistics.mode(point.bits.values())
