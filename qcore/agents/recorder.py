"""Keeps count of a search: episodes, the best so far, when to stop, when to keep a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Callable

from qcore.agents.checkpoint import AgentState, Checkpoint
from qcore.agents.episode import Episode, best_episode
from qcore.agents.evaluator import Evaluator
from qcore.agents.outcome import Outcome

_CHECKPOINT_SECONDS = 5.0


class Recorder:
    """What every agent tells of its episodes, and asks before the next one.

    ``resume`` is the agent's state where an earlier attempt ended, None at the beginning. An agent
    calls ``add`` after each episode and then ``keep``, and goes on while ``going``.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        wanted: int,
        known: Checkpoint | None = None,
        *,
        about: str = "",
        on_episode: Callable[[Episode], None] = lambda episode: None,
        on_checkpoint: Callable[[Checkpoint], None] = lambda checkpoint: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.wanted = wanted
        self._about = about
        self.resume = None if known is None else known.agent
        self.episodes: list[Episode] = [] if known is None else list(known.episodes)
        self._evaluator = evaluator
        last = self.episodes[-1] if self.episodes else None
        self._earlier = (0, 0.0) if last is None else (last.evaluations, last.seconds)
        self._already = evaluator.evaluations
        self._begun = self._kept = time.perf_counter()
        self._on_episode, self._on_checkpoint = on_episode, on_checkpoint
        self._should_stop = should_stop
        self._stopped = should_stop()

    @property
    def number(self) -> int:
        """Episodes that are done."""
        return len(self.episodes)

    @property
    def seconds(self) -> float:
        return self._earlier[1] + time.perf_counter() - self._begun

    @property
    def evaluations(self) -> int:
        return self._earlier[0] + self._evaluator.evaluations - self._already

    @property
    def best(self) -> Episode | None:
        """The episode of the least value within the budgets."""
        return best_episode(self.episodes)

    @property
    def going(self) -> bool:
        """False when all episodes are done, or somebody asked to stop by the end of the last."""
        return self.number < self.wanted and not self._stopped

    def add(self, outcome: Outcome, reward: float) -> Episode:
        """An episode has ended with this."""
        best = self.best
        better = outcome.within and (best is None or outcome.value < best.value)
        episode = Episode(
            self.number + 1,
            float(reward),
            outcome.loss,
            outcome.accuracy,
            outcome.value,
            outcome.costs,
            outcome.within,
            self.evaluations,
            self.seconds,
            outcome.choice if better else None,
        )
        self.episodes.append(episode)
        self._on_episode(episode)
        # Asked here alone: a stop between ``keep`` and the next episode would have no checkpoint.
        self._stopped = self._stopped or self._should_stop()
        return episode

    def keep(self, state: Callable[[], AgentState]) -> None:
        """Every few seconds, and before the search ends: what is needed to go on from here."""
        now = time.perf_counter()
        if self.going and now - self._kept < _CHECKPOINT_SECONDS:
            return
        self._on_checkpoint(Checkpoint(self._about, tuple(self.episodes), state()))
        self._kept = time.perf_counter()
