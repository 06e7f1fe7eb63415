"""What is told of a search: its episodes, and what came of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from qcore import fields
from qcore.allocate.problem import Allocation


@dataclass(frozen=True)
class Episode:
    """One walk over all units.

    ``number`` counts from 1. ``reward`` is the agent's own, on its own scale. ``loss`` and
    ``accuracy`` are the evaluator's of the configuration within the budgets; ``value`` is what is
    made small (see ``Outcome``). ``costs`` are sums over rows, without what no layer decides.
    ``choice`` is the configuration where it is the best so far, else None. ``evaluations`` and
    ``seconds`` are those since the search began.
    """

    number: int
    reward: float
    loss: float
    accuracy: float
    value: float
    costs: Mapping[str, float]
    within: bool
    evaluations: int
    seconds: float
    choice: tuple[int, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Episode:
        """The inverse of ``to_json``; KeyError or ValueError for a wrong field."""
        numbers = ("reward", "loss", "accuracy", "value", "seconds")
        costs = fields.table(data, "costs")
        return Episode(
            number=fields.whole(data, "number", 1),
            within=bool(data["within"]),
            evaluations=fields.whole(data, "evaluations"),
            costs={name: fields.number(costs, name) for name in costs},
            choice=None if data["choice"] is None else fields.wholes(data, "choice"),
            **{name: fields.number(data, name) for name in numbers},
        )


@dataclass(frozen=True)
class SearchRun:
    """A search that has ended, or was stopped (then ``finished`` is False).

    ``allocation`` is the best within the budgets; None before there is one.
    """

    allocation: Allocation | None
    episodes: tuple[Episode, ...]
    evaluations: int
    seconds: float
    finished: bool


def best_values(episodes: Sequence[Episode]) -> list[float | None]:
    """For each episode the least value within the budgets so far; None before there is one."""
    best: float | None = None
    found = []
    for episode in episodes:
        if episode.choice is not None:
            best = episode.value
        found.append(best)
    return found


def best_episode(episodes: Sequence[Episode]) -> Episode | None:
    """The one of the least value within the budgets; None where none is."""
    return next((e for e in reversed(episodes) if e.choice is not None), None)


def best_choice(episodes: Sequence[Episode]) -> tuple[int, ...] | None:
    """The best configuration of these episodes, None where none is within the budgets."""
    best = best_episode(episodes)
    return None if best is None else best.choice
