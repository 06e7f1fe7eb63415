"""Calibration and evaluation data: load, check, sample sets."""
