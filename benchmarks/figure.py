"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured, its value with unit, and a baseline of the same run beside it."""

    what: str
    value: str
    beside: str = ""
