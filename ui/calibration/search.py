"""Thresholds and divergence curves of one layer at every bit width that can be dragged to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st

from qcore.calibrate.binned_error import clipped_share
from qcore.calibrate.clipping import METHODS, Method, Target
from qcore.calibrate.histogram import Histogram
from qcore.calibrate.methods import find_threshold
from qcore.calibrate.summary import Found, judged
from qcore.quantize.limits import GRID_BITS
from ui.calibration.source import Source, layer_calibration
from ui.components.live_histogram import DivergenceCurve

_SAME = 1e-6  # of a threshold; a bin is 1/2048 of the largest or more


@dataclass(frozen=True, eq=False)
class LayerSearch:
    """One layer's histogram, method -> bits -> threshold and the fraction of values that it clips,
    and bits -> divergence curve."""

    histogram: Histogram
    thresholds: Mapping[Method, Mapping[int, float]]
    clipped: Mapping[Method, Mapping[int, float]]
    curves: Mapping[int, DivergenceCurve]

    def threshold(self, choice: Method | float, bits: int) -> float:
        """A method's threshold; one by hand is the same at any bits."""
        return choice if isinstance(choice, float) else self.thresholds[choice][bits]


def layer_search(source: Source, layer: str, target: Target, percentile: float) -> LayerSearch:
    """Search one layer; another percentile searches that method alone."""
    found = _search(source.key, layer, target, source)
    at = _percentile(source.key, layer, target, percentile, found.histogram)
    return replace(
        found,
        thresholds={**found.thresholds, "percentile": dict.fromkeys(GRID_BITS, at.threshold)},
        clipped={**found.clipped, "percentile": dict.fromkeys(GRID_BITS, at.clipped)},
    )


@st.cache_data(max_entries=128, max_size="128MB", show_spinner=False)
def _search(key: str, layer: str, target: Target, _source: Source) -> LayerSearch:
    """All methods but percentile."""
    histogram = layer_calibration(_source, layer).histogram(target)
    thresholds: dict[Method, dict[int, float]] = {m: {} for m in METHODS if m != "percentile"}
    clipped: dict[Method, dict[int, float]] = {m: {} for m in thresholds}
    curves: dict[int, DivergenceCurve] = {}
    for bits in GRID_BITS:
        for method in thresholds:
            found = find_threshold(histogram, method, bits, target)
            thresholds[method][bits] = found.value
            clipped[method][bits] = clipped_share(histogram, found.value)
            if found.curve is not None:
                curves[bits] = _curve(histogram, found.curve)
    return LayerSearch(histogram, thresholds, clipped, curves)


@st.cache_data(max_entries=1024, show_spinner=False)
def _percentile(
    key: str, layer: str, target: Target, percentile: float, _histogram: Histogram
) -> Found:
    """That method's threshold, which no bit width changes."""
    bits = GRID_BITS[0]
    found = find_threshold(_histogram, "percentile", bits, target, percentile)
    return judged(_histogram, found.value, bits, target)


def _curve(histogram: Histogram, divergence: np.ndarray) -> DivergenceCurve:
    first = histogram.used - len(divergence) + 1
    kept = np.arange(first, histogram.used + 1, dtype=np.float64)
    edges = kept * histogram.bin_width
    edges[-1] = histogram.amax
    # The last one clips nothing; so does an edge that is the largest magnitude itself.
    apart = np.append(edges[:-1] < histogram.amax, True)
    return DivergenceCurve(edges[apart], divergence[apart])


def divergence_at(curve: DivergenceCurve | None, threshold: float) -> float | None:
    """The curve at the first candidate that keeps all up to the threshold, in nats.

    Beyond the last candidate that is the last one. Infinite where the last bin kept is empty, None
    below the first candidate. The live histogram says the same.
    """
    # A threshold at an edge is that edge's candidate, whatever the rounding of its last digit.
    if curve is None or threshold < curve.x[0] * (1 - _SAME):
        return None
    place = int(np.searchsorted(curve.x, threshold * (1 - _SAME)))
    return float(curve.y[min(place, len(curve.y) - 1)])


@st.cache_data(max_entries=1024, show_spinner=False)
def found_at(
    key: str, layer: str, target: Target, bits: int, threshold: float, _histogram: Histogram
) -> Found:
    """What clipping there does to the layer's values; ``key`` is the source's."""
    return judged(_histogram, threshold, bits, target)
