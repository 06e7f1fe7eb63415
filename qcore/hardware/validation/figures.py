"""Published figures beside modelled ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcore.hardware.model import FloatArray

EXACT = 1e-9
"""Relative difference up to which two figures are the same one."""


@dataclass(frozen=True)
class Published:
    """A figure that somebody published, and what the model makes of the same; both in ``unit``."""

    what: str
    published: float
    modelled: float
    unit: str

    @property
    def error_percent(self) -> float:
        """Example: 20.08 published, 21.084 modelled: 5."""
        return 100 * (self.modelled / self.published - 1)


@dataclass(frozen=True)
class Errors:
    """How far a model is off in a published table of ``entries`` figures.

    Percent of each published figure, without their sign: mean, median, the one that 90 % stay
    within, the largest. ``exact_share`` (0 to 1) are the same figure, up to rounding.
    ``bias_percent`` is the error of the sum of all, with its sign.
    """

    what: str
    entries: int
    mean_percent: float
    median_percent: float
    p90_percent: float
    worst_percent: float
    exact_share: float
    bias_percent: float


@dataclass(frozen=True)
class Validation:
    """What is known of how right a model is.

    ``words`` says what the figures prove and what they do not, ``sources`` where they are
    published. Where nothing is published both tuples are empty, and ``words`` says so.
    """

    name: str
    totals: tuple[Published, ...]
    errors: tuple[Errors, ...]
    words: str
    sources: str


def errors_of(what: str, published: FloatArray, modelled: FloatArray) -> Errors:
    """The errors of a table; arrays of one shape, published figures above 0.

    Example: 10 and 30 published, 10 and 33 modelled: mean 5, worst 10, half exact, bias 7.5.
    """
    relative = np.abs(modelled / published - 1).ravel()
    exact = relative <= EXACT
    percent = np.where(exact, 0.0, 100 * relative)
    return Errors(
        what,
        relative.size,
        float(percent.mean()),
        float(np.median(percent)),
        float(np.quantile(percent, 0.9)),
        float(percent.max()),
        float(exact.mean()),
        float(100 * (modelled.sum() / published.sum() - 1)),
    )
