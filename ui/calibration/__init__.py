"""The parts of the calibration page."""
