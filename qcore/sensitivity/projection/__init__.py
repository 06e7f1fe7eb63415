"""Projected ΔL: the whole table, and every kernel's, from a few backward passes."""
