"""The axis of a race's values: logarithmic, and around zero linear where some are not positive."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ui.figures.symlog import Symlog, symlog_for

_MANY_DECADES = 4


@dataclass(frozen=True)
class ValueAxis:
    """``reach``: its two ends as ``places`` has them. ``symlog`` is None where all values are
    positive, and the axis plotly's own logarithmic one. One on the axis is ``per_unit``."""

    reach: tuple[float, float]
    symlog: Symlog | None
    per_unit: float
    layout: dict[str, Any]

    def drawn(self, values: Sequence[float]) -> list[float]:
        """Values as a trace takes them."""
        shown = _in_units(values, self.per_unit)
        return shown if self.symlog is None else [float(place) for place in self.symlog(shown)]

    def places(self, values: Sequence[float]) -> list[float]:
        """Values as annotations take them, which have logarithms on a logarithmic axis."""
        drawn = self.drawn(values)
        return drawn if self.symlog is not None else [math.log10(value) for value in drawn]


def value_axis(values: Sequence[float], ends: Sequence[float], per_unit: float) -> ValueAxis:
    """For all ``values``; ``ends`` are the ones among them that are to be told apart."""
    shown = _in_units(values, per_unit)
    if shown and min(shown) <= 0:
        symlog = symlog_for(_in_units(ends, per_unit))
        layout = symlog.axis(shown)
        low, high = layout["range"]
        return ValueAxis((low, high), symlog, per_unit, {"type": "linear", **layout})
    reach = _reach(shown)
    layout = {"type": "log", "range": list(reach), **_ticks(reach)}
    return ValueAxis(reach, None, per_unit, layout)


def _in_units(values: Sequence[float], per_unit: float) -> list[float]:
    return [value / per_unit for value in values]


def _reach(values: Sequence[float]) -> tuple[float, float]:
    """In decades."""
    low = math.log10(min(values, default=1.0))
    high = math.log10(max(values, default=10.0))
    edge = 0.07 * (high - low) or 0.05 * abs(high) or 0.1
    return low - edge, high + edge


def _ticks(reach: tuple[float, float]) -> dict[str, Any]:
    """Powers of ten, with twice and five times these where there is room for them."""
    steps = (1, 2, 5) if reach[1] - reach[0] < _MANY_DECADES else (1,)
    decades = range(math.floor(reach[0]), math.ceil(reach[1]) + 1)
    values = [step * 10.0**decade for decade in decades for step in steps]
    shown = [value for value in values if reach[0] <= math.log10(value) <= reach[1]]
    if len(shown) < 2:
        return {"tickformat": "~g"}
    return {"tickvals": shown, "ticktext": [f"{value:g}" for value in shown]}
