"""Bits allocated by reinforcement learning: environment, ReLeQ, HAQ, AutoQ, and random search."""
