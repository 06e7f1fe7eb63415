"""What random search can be told. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RandomConfig:
    """``draws``: configurations an episode, as many as the agent beside it evaluates in one.

    ValueError below 1.
    """

    draws: int = field(default=1, metadata={"help": "Configurations drawn in each episode."})

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise ValueError(f"draws is {self.draws}; it is at least 1")
