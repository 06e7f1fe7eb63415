"""Numbers and matrices in formulas."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def number(value: float, digits: int = 6) -> str:
    """Six significant digits: 0.00524934, or 1.5 \\cdot 10^{-9}."""
    text = f"{value:.{digits}g}"
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa} \\cdot 10^{{{int(power)}}}" if exponent else text


def matrix(values: npt.ArrayLike, digits: int = 6) -> str:
    """A matrix, row by row: \\begin{bmatrix} 1 & 2 \\end{bmatrix}."""
    rows = np.atleast_2d(np.asarray(values)).tolist()
    cells = (
        " & ".join(str(v) if isinstance(v, int) else number(v, digits) for v in r) for r in rows
    )
    return "\\begin{bmatrix} " + " \\\\ ".join(cells) + " \\end{bmatrix}"
