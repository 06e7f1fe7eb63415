"""The thresholds that every method finds for every layer, and how good they are. Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from qcore.calibrate.binned_error import binned_error, clipped_share
from qcore.calibrate.calibration import Calibration, LayerCalibration
from qcore.calibrate.clipping import DEFAULT_PERCENTILE, METHODS, Method, Target
from qcore.calibrate.histogram import Histogram
from qcore.calibrate.methods import find_threshold, layer_grid
from qcore.calibrate.threshold import instability
from qcore.errors import Stopped


@dataclass(frozen=True)
class Found:
    """A clipping threshold of one layer and what it does to the layer's values.

    ``clipped`` is the fraction of values beyond the last level, ``sqnr_db`` the signal to noise
    ratio after clipping and rounding (None without error or energy). ``even`` and ``odd`` are the
    thresholds that the same method finds on every other image alone; None for weights, for a
    threshold that was chosen by hand, and where there is one image only.
    """

    threshold: float
    clipped: float
    sqnr_db: float | None
    even: float | None = None
    odd: float | None = None

    @property
    def instability(self) -> float | None:
        """How far the halves' thresholds lie apart, see ``instability``; None without halves."""
        return instability(self.even, self.odd)


@dataclass(frozen=True)
class LayerThresholds:
    """One layer's weights or inputs: the range of the values, exact zeros, and each method's find.

    ``zeros`` is a fraction of all values; ``bits`` are what the thresholds are for.
    """

    name: str
    target: Target
    bits: int
    low: float
    high: float
    zeros: float
    methods: Mapping[Method, Found]

    @property
    def amax(self) -> float:
        """The largest magnitude."""
        return max(-self.low, self.high, 0.0)

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "target": self.target,
            "bits": self.bits,
            "low": self.low,
            "high": self.high,
            "amax": self.amax,
            "zeros": self.zeros,
            "methods": {method: asdict(found) for method, found in self.methods.items()},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> LayerThresholds:
        """The inverse of ``to_json``."""
        methods = {method: Found(**found) for method, found in data["methods"].items()}
        rest = {key: value for key, value in data.items() if key not in ("methods", "amax")}
        return LayerThresholds(**rest, methods=methods)


def layer_thresholds(
    calibration: Calibration,
    bits: int,
    target: Target,
    percentile: float = DEFAULT_PERCENTILE,
    *,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[LayerThresholds, ...]:
    """All layers in running order, every method of ``METHODS``.

    ``percentile`` (in percent) is of that method alone. ``on_progress`` gets a fraction and the
    layer's name before each layer. Raises Stopped where ``should_stop`` says so.
    """
    rows = []
    for number, layer in enumerate(calibration.layers):
        if should_stop():
            raise Stopped
        on_progress(number / len(calibration.layers), layer.name)
        rows.append(_of_layer(layer, bits, target, percentile))
    return tuple(rows)


def judged(histogram: Histogram, threshold: float, bits: int, target: Target) -> Found:
    """What clipping at that threshold does to the values of a histogram.

    Example: at the largest magnitude ``clipped`` is 0.
    """
    if histogram.amax == 0 or threshold <= 0:
        return Found(threshold, 0.0, None)
    error = binned_error(histogram, layer_grid(histogram, threshold, bits, target))
    return Found(threshold, clipped_share(histogram, threshold), error.sqnr_db)


def _of_layer(
    layer: LayerCalibration, bits: int, target: Target, percentile: float
) -> LayerThresholds:
    histogram = layer.histogram(target)

    def find(where: Histogram, method: Method) -> float:
        return find_threshold(where, method, bits, target, percentile).value

    halves = target == "activation" and layer.even.total > 0 and layer.odd.total > 0
    methods: dict[Method, Found] = {}
    for method in METHODS:
        found = judged(histogram, find(histogram, method), bits, target)
        if halves:
            even, odd = find(layer.even, method), find(layer.odd, method)
            found = replace(found, even=even, odd=odd)
        methods[method] = found
    zeros = histogram.zeros / max(histogram.total, 1)
    return LayerThresholds(layer.name, target, bits, histogram.low, histogram.high, zeros, methods)
