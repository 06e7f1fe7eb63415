"""The methods that bits are allocated by, by name."""

from __future__ import annotations

from typing import Literal

Method = Literal["ilp", "lagrangian", "greedy-accuracy", "greedy-compression", "interaction"]

METHODS: dict[Method, str] = {
    "ilp": "integer program, proven optimal for the sum of the layers' ΔL",
    "lagrangian": "prices on the budgets: thousands of kernels in a second, with a proven bound",
    "greedy-accuracy": "baseline: the most robust layers lowered first",
    "greedy-compression": "baseline: layers raised from the smallest up",
    "interaction": "from the integer program on, by what rounding two layers at once adds",
}
"""How bits are allocated."""
