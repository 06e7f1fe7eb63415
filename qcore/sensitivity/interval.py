"""Mean and confidence interval from running sums."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Moments:
    """Count, sum and sum of squares of per-image differences."""

    samples: int = 0
    total: float = 0.0
    total_squares: float = 0.0

    def plus(self, samples: int, total: float, total_squares: float) -> Moments:
        """These sums and another chunk's together."""
        return Moments(
            self.samples + samples, self.total + total, self.total_squares + total_squares
        )

    @property
    def mean(self) -> float:
        return self.total / self.samples

    @property
    def variance(self) -> float:
        """Of one image's difference, over n - 1; ZeroDivisionError below two samples."""
        return max(0.0, self.total_squares - self.samples * self.mean**2) / (self.samples - 1)

    def interval(self) -> tuple[float, float] | None:
        """Student's 95 % interval, mean ± t(0.975, n - 1) · s / sqrt(n); None below two samples.

        Example: differences 1, 2, 3 give 2 ± 2.484.
        """
        n = self.samples
        if n < 2:
            return None
        half = student_quantile(n - 1) * math.sqrt(self.variance / n)
        return self.mean - half, self.mean + half


@functools.lru_cache(maxsize=256)
def student_quantile(degrees: int) -> float:
    """t(0.975, degrees of freedom). 2 degrees: 4.3027."""
    from scipy.special import stdtrit  # the process that only draws need not import scipy

    return float(stdtrit(degrees, 0.975))
