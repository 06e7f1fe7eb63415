"""The parts of the hardware page."""
