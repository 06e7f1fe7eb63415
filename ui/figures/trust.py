"""Predicted against measured loss of whole configurations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from qcore.measure.trust_point import TrustPoint
from qcore.measure.trusted import TrustCheck
from ui.figures.trust_marks import Frame, Series, add_marks, name_series, series_of
from ui.theme import Palette, finish

_ROOM = 1.6  # factor between the outermost values and the frame
_DECADES = 6  # that are drawn at most, from the largest value down


def trust_figure(check: TrustCheck, palette: Palette) -> go.Figure:
    """Measured loss across, predicted loss up, both logarithmic.

    The line of equal values, a band of a factor of two, 95 % intervals of what was measured as thin
    strokes. Values at zero, below, or far below the rest stand on the frame, as triangles. The
    customdata of a mark is the number of its point.
    """
    points, frame = check.points, frame_of(check)
    series = series_of(points, palette)
    figure = go.Figure()
    _band(figure, frame, palette)
    _strokes(figure, points, series, frame, palette)
    for one in series:
        add_marks(figure, points, check.unit, one, frame)
    if points:
        name_series(figure, points, series, frame)
    if check.saturation is not None and frame.low < check.saturation < frame.high:
        line = {"color": palette.muted, "width": 1, "dash": "dot"}
        figure.add_vline(check.saturation, line=line)
        place = {"xanchor": "right", "yanchor": "bottom"}
        _note(figure, (check.saturation, frame.low), "little left to lose ", palette, place)
    axis = {"type": "log", **_scale(frame)}
    figure.update_xaxes(title=f"measured ΔL ({check.unit})", **axis)
    figure.update_yaxes(title=f"predicted ΔL ({check.unit})", **axis)
    return finish(figure, palette, 500)


def _scale(frame: Frame) -> dict[str, Any]:
    """Range and ticks: powers of ten, and where there are few of them 2 and 5 times these too."""
    low, high = math.log10(frame.low), math.log10(frame.high)
    if high - low > 2:
        return {"range": [low, high], "dtick": 1, "exponentformat": "power"}
    powers = range(math.floor(low), math.ceil(high) + 1)
    ticks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    return {"range": [low, high], "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def frame_of(check: TrustCheck) -> Frame:
    """Room for all values above zero, six decades at most."""
    points = check.points
    values = [v for p in points for v in (p.measured, p.additive, p.interacting) if v and v > 0]
    if not values:
        return Frame(1e-4, 1.0)
    high = max(values)
    return Frame(max(min(values), high / 10**_DECADES) / _ROOM, high * _ROOM)


def on_frame(check: TrustCheck) -> int:
    """How many points have a value that is too small for the frame."""
    low = frame_of(check).low
    values = [[p.measured, p.additive, p.interacting] for p in check.points]
    return sum(any(v is not None and v < low for v in three) for three in values)


def _band(figure: go.Figure, frame: Frame, palette: Palette) -> None:
    low, high = frame.low, frame.high
    figure.add_scatter(
        x=[low, high, high, low],
        y=[2 * low, 2 * high, high / 2, low / 2],
        fill="toself",
        fillcolor=palette.grid,
        opacity=0.6,
        mode="none",
        hoverinfo="skip",
        showlegend=False,
    )
    figure.add_scatter(
        x=[low, high],
        y=[low, high],
        mode="lines",
        line={"color": palette.muted, "width": 1.2},
        hoverinfo="skip",
        showlegend=False,
    )
    x = frame.at(0.2)
    for factor, text in ((2.0, "2 × too high "), (0.5, " 2 × too low")):
        high_side = factor > 1
        place = {
            "xanchor": "right" if high_side else "left",
            "yanchor": "bottom" if high_side else "top",
        }
        at = (x, x * factor) if high_side else (frame.at(0.26), frame.at(0.26) * factor)
        _note(figure, at, text, palette, place)


def _strokes(
    figure: go.Figure,
    points: Sequence[TrustPoint],
    series: Sequence[Series],
    frame: Frame,
    palette: Palette,
) -> None:
    """Across, the measured interval; up, from one prediction of a configuration to the other."""
    across: list[float | None] = []
    up: list[float | None] = []
    for point in points:
        values = [one.value(point) for one in series]
        heights = [frame.inside(value) for value in values if value is not None]
        if point.ci_low is not None and point.ci_high is not None:
            for height in heights:
                across += [frame.inside(point.ci_low), frame.inside(point.ci_high), None]
                up += [height, height, None]
        across += [*[frame.inside(point.measured)] * len(heights), None]
        up += [*heights, None]
    figure.add_scatter(
        x=across,
        y=up,
        mode="lines",
        line={"color": palette.cloud, "width": 1.2},
        hoverinfo="skip",
        showlegend=False,
    )


def _note(
    figure: go.Figure, at: tuple[float, float], text: str, palette: Palette, place: dict[str, str]
) -> None:
    """Text at a place of logarithmic axes."""
    x, y = (math.log10(value) for value in at)
    font = {"color": palette.muted, "size": 12}
    figure.add_annotation(x=x, y=y, text=text, font=font, showarrow=False, **place)
