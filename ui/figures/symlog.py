"""An axis for ΔL: logarithmic away from zero, linear around it, negative values in their place."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Symlog:
    """y = asinh(x / linear) / ln 10: one unit is a factor of ten where |x| >> ``linear``."""

    linear: float

    def __call__(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return np.asarray(np.arcsinh(np.asarray(values, float) / self.linear) / math.log(10))

    def axis(self, values: Iterable[float]) -> dict[str, Any]:
        """Range and labelled powers of ten for an axis that shows ``values`` (and zero)."""
        shown = [v for v in values if math.isfinite(v)] or [0.0]
        low, high = min(0.0, *shown), max(self.linear, *shown)
        ticks = [0.0]
        for sign, limit in ((1, high), (-1, -low)):
            exponent = math.ceil(math.log10(self.linear))
            while 10.0**exponent <= limit * 1.5:
                ticks.append(sign * 10.0**exponent)
                exponent += 1
        if len(ticks) > 7:
            keep = {t for t in ticks if t == 0 or round(math.log10(abs(t))) % 2 == 0}
            ticks = [t for t in ticks if t in keep]
        edge = 0.08 * float(self(high) - self(low))
        return {
            "tickvals": [float(self(t)) for t in sorted(ticks)],
            "ticktext": [_label(t) for t in sorted(ticks)],
            "range": [float(self(low)) - edge, float(self(high)) + edge],
        }


def symlog_for(values: Iterable[float]) -> Symlog:
    """A linear part that ends at the power of ten below nine tenths of the magnitudes.

    So the interesting values are spread out. Never below 1e-6.
    """
    magnitudes = sorted(abs(v) for v in values if v != 0 and math.isfinite(v))
    if not magnitudes:
        return Symlog(1e-3)
    small = magnitudes[len(magnitudes) // 10]
    return Symlog(10.0 ** max(-6, math.floor(math.log10(small))))


def _label(value: float) -> str:
    if value == 0:
        return "0"
    sign = "−" if value < 0 else ""
    exponent = round(math.log10(abs(value)))
    if -3 <= exponent <= 3:
        return f"{sign}{10.0**exponent:g}"
    return f"{sign}10<sup>{exponent}</sup>".replace("-", "−")
