"""How wrong predictions of a loss are. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qcore.measure.trust_point import TrustPoint
from qcore.sensitivity.compare import spearman

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrustErrors:
    """Predicted against measured ΔL.

    Ratios are of ``compared`` points; left out are ``unclear`` ones, whose measured interval
    reaches zero or below (or is not known), and ``saturated`` ones, which lose so much that no
    expansion holds. ``median_error`` is the median of |predicted / measured - 1|, ``worst_factor``
    the largest of predicted / measured and its inverse, at ``worst_bits`` on average. A prediction
    that is not above zero has no factor; ``not_positive`` counts them. ``within_interval`` is the
    share of all points with an interval that holds the prediction. None where nothing is to be
    said.
    """

    points: int
    compared: int
    unclear: int
    saturated: int
    not_positive: int
    median_ratio: float | None
    median_error: float | None
    worst_factor: float | None
    worst_is_low: bool | None
    worst_bits: float | None
    within_interval: float | None
    rank_correlation: float | None

    def to_json(self, same_unit: bool = True) -> dict[str, Any]:
        """The fields; in another unit than the loss the rank correlation alone."""
        if same_unit:
            return asdict(self)
        return {"points": self.points, "rank_correlation": self.rank_correlation}


def errors_of(pairs: Sequence[tuple[TrustPoint, float]], saturation: float | None) -> TrustErrors:
    """Of points and what was predicted of them. Example: measured 1 and 2 (intervals above zero),
    predicted 1.1 and 1: a median error of 30 %, at worst 2 times too low."""
    clear = [(p, value) for p, value in pairs if p.ci_low is not None and p.ci_low > 0]
    compared = [(p, v) for p, v in clear if saturation is None or p.measured < saturation]
    ratios = np.array([value / p.measured for p, value in compared])
    factors = [max(r, 1 / r) if r > 0 else 0.0 for r in ratios.tolist()]
    worst = int(np.argmax(factors)) if any(factors) else None
    held = [
        p.ci_low <= value <= p.ci_high
        for p, value in pairs
        if p.ci_low is not None and p.ci_high is not None
    ]
    return TrustErrors(
        points=len(pairs),
        compared=len(compared),
        unclear=len(pairs) - len(clear),
        saturated=len(clear) - len(compared),
        not_positive=factors.count(0.0),
        median_ratio=_median(ratios),
        median_error=_median(np.abs(ratios - 1)),
        worst_factor=None if worst is None else factors[worst],
        worst_is_low=None if worst is None else bool(ratios[worst] < 1),
        worst_bits=None if worst is None else compared[worst][0].average_bits,
        within_interval=sum(held) / len(held) if held else None,
        rank_correlation=spearman([v for _, v in pairs], [p.measured for p, _ in pairs]),
    )


def _median(values: Doubles) -> float | None:
    return float(np.median(values)) if len(values) else None
