"""A histogram whose bit width and clipping threshold are dragged in the browser.

Grid, step, clipped share, error and the curve of errors by bit width follow the pointer there; the
server hears of it on release.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ui.theme import Palette

Scheme = Literal["symmetric", "affine", "levels"]


@dataclass(frozen=True)
class ThresholdLine:
    """A named threshold to compare with: bits -> magnitude."""

    label: str
    thresholds: Mapping[int, float]
    color: str


@dataclass(frozen=True, eq=False)
class DivergenceCurve:
    """KL divergence (nats; infinite where NaN or inf) of clipping at each magnitude ``x``."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LiveHistogram:
    """What is drawn, and where it begins.

    ``counts`` (bins,) from ``low`` on, each ``bin_width`` wide; exact ``zeros`` apart from them.
    ``thresholds`` maps every bit width that can be chosen to the threshold it begins with.
    ``symmetric`` and ``affine`` grids are made from bits and threshold in the browser (as
    ``qcore.quantize.grid`` and ``qcore.calibrate.inputs`` make them; ``seen`` is the range of the
    values); of ``levels`` every bit width has its own list, and only the bits can be dragged.
    """

    counts: npt.NDArray[np.int64]
    low: float
    bin_width: float
    zeros: int
    seen: tuple[float, float]
    scheme: Scheme
    bits: int
    thresholds: Mapping[int, float]
    x_title: str
    log: bool = False
    levels: Mapping[int, npt.NDArray[np.float64]] | None = None
    lines: tuple[ThresholdLine, ...] = ()
    curves: Mapping[int, DivergenceCurve] | None = None


@dataclass(frozen=True)
class Released:
    """Where the visitor let go. ``threshold`` is None until it was dragged by hand."""

    bits: int
    threshold: float | None


def live_histogram(
    view: LiveHistogram,
    key: str,
    alt: str,
    palette: Palette,
    on_release: Callable[[Released], None],
) -> None:
    """Put it on the page. ``alt`` says in a sentence what it shows."""
    raise NotImplementedError
