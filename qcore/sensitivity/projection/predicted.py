"""What is asked of projections, and what they answer. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from qcore.sensitivity.projection.bootstrap import Doubles, bootstrap_interval

Part = Literal["weight", "activation"]
Widths = Sequence[int | None]
"""A bit width for each layer, None for full precision."""


@dataclass(frozen=True)
class PredictedLoss:
    """Mean over images and its 95 % interval, None below two images."""

    mean: float
    ci_low: float | None
    ci_high: float | None


def described(per_sample: Doubles) -> PredictedLoss:
    """Of the losses of single images, (samples,)."""
    mean = float(per_sample.mean())
    if len(per_sample) < 2:
        return PredictedLoss(mean, None, None)
    low, high = bootstrap_interval(per_sample[:, None])
    return PredictedLoss(mean, float(low[0]), float(high[0]))


def parts_asked(weight_bits: Widths, activation_bits: Widths | None) -> list[tuple[Part, Widths]]:
    """The widths of each part that is rounded."""
    weights: tuple[Part, Widths] = ("weight", weight_bits)
    return [weights] if activation_bits is None else [weights, ("activation", activation_bits)]
