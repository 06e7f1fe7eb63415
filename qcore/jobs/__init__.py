"""Long work: start, follow, cancel, resume."""
