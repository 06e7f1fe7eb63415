"""Intervals of charts whose two arms differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def error_bars(low: Floats, middle: Floats, high: Floats, **style: Any) -> dict[str, Any]:
    """A trace's ``error_x`` or ``error_y`` from low to high; all three as they stand on the axis.

    ``style``: plotly's settings, as thickness, width and color.
    """
    arms = {"array": high - middle, "arrayminus": middle - low}
    return {"type": "data", "symmetric": False, **arms, **style}
