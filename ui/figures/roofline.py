"""Operations a second against operations per byte, below what a machine reaches at best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from qcore.hardware.bound import Bound
from qcore.hardware.model import Roof
from ui import format as fmt
from ui.figures.bounds import BOUNDS
from ui.figures.cells import short_name
from ui.figures.roof_lines import Place, lines
from ui.figures.unfaded import unfaded
from ui.theme import Palette, bit_color, finish, text_on

_HEIGHT = 480
_MARGIN = 110  # pixels on the right, for the labels of roofs
_NEAR = 0.02  # decades
_PAD = 0.25  # decades around what is drawn


@dataclass(frozen=True)
class Dot:
    """A layer at some bits: operations per byte from memory, operations a second reached."""

    layer: str
    ops_per_byte: float
    ops_per_s: float
    bound: Bound | None
    hover: str


@dataclass(frozen=True)
class Trail:
    """How the focused layer moves: dots at widths, ``title`` says of what."""

    title: str
    widths: Sequence[int]
    dots: Sequence[Dot]


def roofline_figure(
    dots: Sequence[Dot],
    roofs: Mapping[str, Roof],
    trails: Sequence[Trail],
    focus: str,
    palette: Palette,
) -> go.Figure:
    """Every layer a dot, coloured and shaped by what bounds it; the focused one has a ring.

    ``roofs`` by their label. Log-log. The customdata of a dot is the layer's name.
    """
    every = [*dots, *(dot for trail in trails for dot in trail.dots)]
    place = _place(every, roofs)
    figure = go.Figure()
    lines(figure, roofs, place, palette)
    for bound in (*BOUNDS, None):
        _dots(figure, [dot for dot in dots if dot.bound == bound], bound, palette)
    for number, trail in enumerate(trails):
        _trail(figure, trail, number, palette)
    _ring(figure, [dot for dot in dots if dot.layer == focus], palette)
    _axes(figure, place)
    finish(figure, palette, _HEIGHT)
    return figure.update_layout(margin={"t": 36, "r": _MARGIN})


def _place(dots: Sequence[Dot], roofs: Mapping[str, Roof]) -> Place:
    """The decades that are shown: all dots, and where each roof bends."""
    x = [math.log10(dot.ops_per_byte) for dot in dots]
    y = [math.log10(dot.ops_per_s) for dot in dots]
    for roof in roofs.values():
        x.append(math.log10(roof.peak_ops_per_s / roof.bytes_per_s))
        y.append(math.log10(roof.peak_ops_per_s))
    return Place((min(x) - _PAD, max(x) + _PAD), (min(y) - _PAD, max(y) + _PAD), _HEIGHT - 100)


def _dots(figure: go.Figure, dots: Sequence[Dot], bound: Bound | None, palette: Palette) -> None:
    if not dots:
        return
    look = None if bound is None else BOUNDS[bound]
    figure.add_scatter(
        **_marks(dots),
        mode="markers",
        name="layers" if look is None else f"bound by {look.short}",
        marker={
            "size": 11,
            "color": palette.accent if look is None else look.color(palette),
            "symbol": "circle" if look is None else look.symbol,
            "opacity": 0.8,
            "line": {"width": 0.5, "color": palette.grid},
        },
        **unfaded(0.8),
    )


def _trail(figure: go.Figure, trail: Trail, number: int, palette: Palette) -> None:
    """Bits stand in their mark; neighbours that would lie on each other share one."""
    steps = _together(trail)
    colors = [bit_color(widths[-1]) for widths, _ in steps]
    figure.add_scatter(
        **_marks([dot for _, dot in steps]),
        mode="lines+markers+text",
        text=[_range(widths) for widths, _ in steps],
        textfont={"size": 10, "color": [text_on(color) for color in colors]},
        line={"color": palette.focus, "width": 1.5, "dash": ("solid", "dot")[number % 2]},
        marker={
            "size": [16 if len(widths) == 1 else 24 for widths, _ in steps],
            "color": colors,
            "symbol": ("circle", "square")[number % 2],
            "opacity": 1,  # of sizes that differ plotly's own is less
            "line": {"width": 1, "color": palette.focus},
        },
        name=trail.title,
        **unfaded(),
    )


def _together(trail: Trail) -> list[tuple[list[int], Dot]]:
    """Widths whose dots lie (nearly) on one place, with the last of these dots."""
    found: list[tuple[list[int], Dot]] = []
    for bits, dot in zip(trail.widths, trail.dots, strict=True):
        if found and _decades(found[-1][1], dot) < _NEAR:
            found[-1] = ([*found[-1][0], bits], dot)
        else:
            found.append(([bits], dot))
    return found


def _decades(one: Dot, other: Dot) -> float:
    across, up = one.ops_per_byte / other.ops_per_byte, one.ops_per_s / other.ops_per_s
    return math.hypot(math.log10(across), math.log10(up))


def _range(widths: Sequence[int]) -> str:
    return str(widths[0]) if len(widths) == 1 else f"{widths[0]}–{widths[-1]}"


def _marks(dots: Sequence[Dot]) -> dict[str, Any]:
    return {
        "x": [dot.ops_per_byte for dot in dots],
        "y": [dot.ops_per_s for dot in dots],
        "customdata": [dot.layer for dot in dots],
        "hovertext": [dot.hover for dot in dots],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _ring(figure: go.Figure, dots: Sequence[Dot], palette: Palette) -> None:
    for dot in dots:
        figure.add_scatter(
            x=[dot.ops_per_byte],
            y=[dot.ops_per_s],
            mode="markers",
            marker={
                "size": 30,
                "symbol": "circle-open",
                "color": palette.focus,
                "line": {"width": 2},
            },
            hoverinfo="skip",
            showlegend=False,
            **unfaded(),
        )
        figure.add_annotation(
            x=math.log10(dot.ops_per_byte),
            y=math.log10(dot.ops_per_s),
            text=f"<b>{fmt.label(short_name(dot.layer))}</b>",
            font={"color": palette.focus, "size": 12},
            showarrow=False,
            yshift=-28,
        )


def _axes(figure: go.Figure, place: Place) -> None:
    shared = {"type": "log", "exponentformat": "power", "dtick": 1}
    figure.update_xaxes(title="operations per byte from memory", range=list(place.x), **shared)
    figure.update_yaxes(title="operations a second", range=list(place.y), **shared)
