"""The parts of the allocate page."""
