"""Numbers to fewer bits: pure tensor functions."""
