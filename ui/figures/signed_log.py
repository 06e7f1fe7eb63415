"""Colour for ΔL: how dark is log |ΔL|, which hue is its sign."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ui.theme import Palette

# Loss added is orange, loss taken away blue: told apart with every kind of colour blindness.
_LIGHT = (
    (-1.0, "#1d4e89"),
    (-0.65, "#5b93c7"),
    (-0.3, "#b5d2ea"),
    (0.0, "#f3f5f6"),
    (0.3, "#fbe6b9"),
    (0.65, "#f0a63a"),
    (1.0, "#c2410c"),
)
_DARK = (
    (-1.0, "#6db3ee"),
    (-0.65, "#3a78ab"),
    (-0.3, "#23435c"),
    (0.0, "#1b242c"),
    (0.3, "#46371f"),
    (0.65, "#a8701b"),
    (1.0, "#f5793a"),
)
_MOST_DECADES = 6


@dataclass(frozen=True)
class SignedLog:
    """Values of 10^``low`` and less have no colour, those of 10^``high`` and more all of it."""

    low: int
    high: float
    negative: bool

    def place(self, value: float) -> float:
        """-1 to 1; 0 is no colour. Example: with -4 and 0, 0.01 is at 0.5 and -0.01 at -0.5."""
        if value == 0:
            return 0.0
        share = (math.log10(abs(value)) - self.low) / (self.high - self.low)
        return math.copysign(min(max(share, 0.0), 1.0), value)

    def stops(self, palette: Palette) -> tuple[tuple[float, str], ...]:
        """(place, colour) in rising order."""
        return _DARK if palette.template == "plotly_dark" else _LIGHT

    def color(self, value: float, palette: Palette) -> str:
        """The colour of a value, as a marker's colour scale mixes it."""
        place, stops = self.place(value), self.stops(palette)
        for (left, first), (right, second) in pairwise(stops):
            if place <= right:
                return _mixed(first, second, (place - left) / (right - left))
        return stops[-1][1]

    def scale(self, palette: Palette) -> dict[str, Any]:
        """The settings of a marker coloured by ``place``; without negative values, half of it."""
        first = -1.0 if self.negative else 0.0
        shown = [(place, color) for place, color in self.stops(palette) if place >= first]
        return {
            "cmin": first,
            "cmax": 1.0,
            "colorscale": [((place - first) / (1 - first), color) for place, color in shown],
        }


def signed_log_for(values: Iterable[float]) -> SignedLog:
    """From the power of ten below most magnitudes to the largest, at most 6 decades."""
    shown = [v for v in values if v != 0 and math.isfinite(v)]
    magnitudes = sorted(abs(v) for v in shown)
    if not magnitudes:
        return SignedLog(-4, 0, False)
    high = math.log10(magnitudes[-1])
    low = math.floor(math.log10(magnitudes[len(magnitudes) // 20]))
    lowest, highest = math.floor(high) - _MOST_DECADES, math.floor(high) - 2
    return SignedLog(min(max(low, lowest), highest), high, min(shown) < 0)


def _mixed(first: str, second: str, share: float) -> str:
    parts = ((int(first[i : i + 2], 16), int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in parts)
