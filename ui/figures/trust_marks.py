"""The marks of the trust check's chart: where they stand, what they are called, what they say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from qcore.measure.trust_point import TrustPoint
from qcore.measure.trust_words import INTERACTING, SUM
from ui import format as fmt
from ui.theme import Palette

_MIDDLE = 0.4, 0.68  # of the frame's width: further out a name would meet the frame


@dataclass(frozen=True)
class Series:
    """One of the two predictions."""

    name: str
    value: Callable[[TrustPoint], float | None]
    symbol: str
    color: str


@dataclass(frozen=True)
class Frame:
    """The ends of both axes, above zero."""

    low: float
    high: float

    def inside(self, value: float) -> float:
        return min(max(value, self.low), self.high)

    def share(self, value: float) -> float:
        """Where a value stands between the ends, 0 to 1."""
        return math.log(self.inside(value) / self.low) / math.log(self.high / self.low)

    def at(self, share: float) -> float:
        return math.exp(math.log(self.low) + share * math.log(self.high / self.low))


def series_of(points: Sequence[TrustPoint], palette: Palette) -> list[Series]:
    """The sum of rows, and the prediction with interactions where the points have one."""
    found = [Series(SUM, lambda p: p.additive, "circle", palette.accent)]
    if any(point.interacting is not None for point in points):
        found.append(Series(INTERACTING, lambda p: p.interacting, "circle-open", palette.focus))
    return found


def add_marks(
    figure: go.Figure, points: Sequence[TrustPoint], unit: str, series: Series, frame: Frame
) -> None:
    """One mark for each point; those outside the frame are triangles on it."""
    known = [(i, p, v) for i, p in enumerate(points) if (v := series.value(p)) is not None]
    is_open = series.symbol.endswith("-open")
    outside = [_triangle(p.measured, v, frame) for _, p, v in known]
    figure.add_scatter(
        x=[frame.inside(p.measured) for _, p, _ in known],
        y=[frame.inside(v) for _, _, v in known],
        customdata=[i for i, _, _ in known],
        hovertext=[_hover(p, unit) for _, p, _ in known],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="markers",
        name=series.name,
        marker={
            "symbol": [f"{o}{'-open' * is_open}" if o else series.symbol for o in outside],
            "size": 14 if is_open else 9,
            "color": series.color,
            "line": {"width": 2 if is_open else 0},
        },
        cliponaxis=False,
        showlegend=False,
    )


def name_series(
    figure: go.Figure, points: Sequence[TrustPoint], series: Sequence[Series], frame: Frame
) -> None:
    """Each prediction is named at the point where the two are furthest apart, the higher one above
    and the lower one below, away from the diagonal's crowd."""
    spots = [
        (p.measured, [frame.inside(v) for one in series if (v := one.value(p)) is not None])
        for p in points
    ]
    first, last = _MIDDLE
    middle = [spot for spot in spots if first < frame.share(spot[0]) < last]
    measured, heights = max(middle or spots, key=lambda spot: max(spot[1]) / min(spot[1]))
    for number, (one, height) in enumerate(zip(series, heights, strict=True)):
        others = [other for i, other in enumerate(heights) if i != number]
        above = all(height > other for other in others) and bool(others)
        figure.add_annotation(
            x=math.log10(frame.inside(measured)),
            y=math.log10(height),
            text=one.name,
            font={"color": one.color, "size": 13},
            ax=-60 if above else 60,
            ay=-40 if above else 40,
            xanchor="right" if above else "left",
            arrowcolor=one.color,
            arrowwidth=1,
            arrowhead=0,
            standoff=7,
        )


def _triangle(measured: float, predicted: float, frame: Frame) -> str:
    """Of a mark that stands on the frame; empty for one at its place."""
    if measured < frame.low:
        return "triangle-left"
    return "triangle-down" if predicted < frame.low else ""


def configuration_text(point: TrustPoint, unit: str) -> list[str]:
    """Lines about what was measured."""
    counts = sorted(Counter(point.bits).items())
    lines = [
        f"<b>{point.average_bits:.2f} bits on average</b>",
        "layers: " + ", ".join(f"{count} at {bits}" for bits, count in counts),
        f"measured {fmt.loss(point.measured)} {unit}",
    ]
    if interval := fmt.interval(point.ci_low, point.ci_high):
        lines.append(f"95 %: {interval}")
    return lines


def _hover(point: TrustPoint, unit: str) -> str:
    lines = configuration_text(point, unit)
    for name, value in ((SUM, point.additive), (INTERACTING, point.interacting)):
        if value is not None:
            ratio = f" ({value / point.measured:.2f} ×)" if point.measured > 0 else ""
            lines.append(f"{name[0].lower()}{name[1:]}: {fmt.loss(value)}{ratio}")
    return "<br>".join(lines)
