"""What random search can be told. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RandomConfig:
    """``draws``: configurations an episode, as many as the agent beside it evaluates in one."""

    draws: int = 1
