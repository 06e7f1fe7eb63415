"""Histograms of weights and layer inputs, and the clipping thresholds found on them."""

from qcore.calibrate.entropy import entropy_threshold
from qcore.calibrate.threshold import Threshold

__all__ = ["Threshold", "entropy_threshold"]
