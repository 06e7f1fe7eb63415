"""Jobs and results on disk."""
