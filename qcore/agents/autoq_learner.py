"""What AutoQ remembers of its episodes, and what both controllers learn from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcore.agents.autoq_config import AutoqConfig
from qcore.agents.autoq_controller import (
    Actor,
    Floats,
    actor_of,
    make_controller,
    write,
)
from qcore.agents.autoq_env import AutoqEnv
from qcore.agents.autoq_reward import goal_misses, intrinsic_reward, rank_reward
from qcore.agents.autoq_walk import GOAL, KERNEL, STATE, goal_bits, goal_of, middles
from qcore.agents.checkpoint import AgentState
from qcore.agents.learner_state import joined, learner_state, restore_learner
from qcore.agents.relabel import relabelled
from qcore.allocate.problem import FloatArray, IndexArray


@dataclass(frozen=True, eq=False)
class Walked:
    """An episode: what was seen (steps, 13) and done (steps,) from 0 to 1, and its reward."""

    seen: Floats
    actions: FloatArray
    reward: float


class AutoqLearner:
    """Both controllers and their memories.

    Every episode has a place of its own in both replay buffers, the oldest gives way; of large
    networks the low controller's holds fewer. Rewards are written anew after each episode: the
    rank of an old one changes with newer ones.
    """

    def __init__(self, env: AutoqEnv, config: AutoqConfig, random: np.random.Generator) -> None:
        walk, places = env.walk, config.memory_episodes
        self._env, self._config, self._random = env, config, random
        self._low_steps = np.flatnonzero(walk.kind == KERNEL)
        self._high_steps = np.flatnonzero(walk.kind != KERNEL)
        self._goal_rows = np.flatnonzero(walk.kind[self._high_steps] == GOAL)
        self._layer = walk.layer[self._low_steps]
        self._low_places = max(1, min(places, config.low_memory // len(self._low_steps)))
        high = places * len(self._high_steps)
        low = self._low_places * len(self._low_steps)
        self.high = make_controller(len(STATE), high, config.high_discount, config)
        self.low = make_controller(len(STATE) + 1, low, config.low_discount, config)
        of_layers = (places, walk.layers)
        self._kept = {
            "extrinsic": np.zeros(places),
            "misses": np.zeros(of_layers),
            "goals": np.zeros(of_layers),
            "achieved": np.zeros(of_layers),
        }

    def actors(self) -> tuple[Actor, Actor]:
        """The high and the low controller's, as they are now."""
        return actor_of(self.high), actor_of(self.low)

    def remember(self, walked: Walked, number: int) -> None:
        """Keep the episode ``number``, counted from 0, whose outcome the environment still has.

        Kernels are remembered with the bits that the budgets left them: these the reward is of.
        """
        place = number % self._config.memory_episodes
        high, low = self._high_steps, self._low_steps
        widths = self._env.task.axes.weight_bits
        settled, own = self._settled()
        middle = middles(self._env.weight_edges)[settled]
        done = np.where(settled == own, walked.actions[low], middle)
        bits = np.array(widths, dtype=np.float64)[settled]
        goals = walked.actions[high][self._goal_rows]
        means = np.bincount(self._layer, bits) / np.bincount(self._layer)
        misses = goal_misses(goal_bits(goals, widths[-1]), bits, self._layer)
        self._kept["extrinsic"][place] = walked.reward
        self._kept["goals"][place] = goals
        self._kept["achieved"][place] = goal_of(means, widths[-1])
        self._kept["misses"][place] = misses / max(1, widths[-1])
        ends = np.append(self._layer[1:] != self._layer[:-1], True)
        at = number % self._low_places
        write(self.low.memory, at, walked.seen[low, : len(STATE) + 1], done, ends)
        ends = np.arange(len(high)) == len(high) - 1
        seen = walked.seen[high, : len(STATE)]
        write(self.high.memory, place, seen, walked.actions[high], ends)

    def learn(self, number: int, zeta: float) -> None:
        """Judge and relabel what is remembered; from the last warm-up episode on, update."""
        config = self._config
        count = min(number + 1, config.memory_episodes)
        ranks = rank_reward(self._kept["extrinsic"][:count])[:, None]
        repeated = np.repeat(ranks, len(self._high_steps))
        self.high.memory.rewards[: len(repeated), 0] = repeated
        recent = np.arange(max(0, number + 1 - self._low_places), number + 1)
        places = recent % config.memory_episodes
        inner = intrinsic_reward(zeta, self._kept["misses"][places], ranks[places])
        rewards = self.low.memory.rewards.reshape(self._low_places, -1)
        rewards[recent % self._low_places] = inner[:, self._layer]
        for again in (number, *self._random.choice(recent, config.relabelled).tolist()):
            self._relabel(again)
        if number + 1 >= config.warm_up_episodes:
            self.high.train(config.high_updates, config.batch)
            self.low.train(config.low_updates, config.batch)

    def state(self) -> AgentState:
        """All that was learnt and is remembered."""
        kept = AgentState({}, {name: values.copy() for name, values in self._kept.items()})
        return joined(learner_state(self.high, "high|"), learner_state(self.low, "low|"), kept)

    def restore(self, known: AgentState) -> None:
        """The inverse of ``state``."""
        restore_learner(self.high, known, "high|")
        restore_learner(self.low, known, "low|")
        for name, values in self._kept.items():
            values[:] = known.arrays[name]

    def _settled(self) -> tuple[IndexArray, IndexArray]:
        """Each kernel's place among the widths, within the budgets and as it was chosen."""
        env, units = self._env, self._env.walk.unit[self._low_steps]
        assert env.outcome is not None
        settled = np.array(env.outcome.choice, dtype=np.intp)[env.task.first_row[units]]
        weight_of = env.task.axes.weight_of
        return weight_of[settled], weight_of[env.choice[units]]

    def _relabel(self, number: int) -> None:
        place, at = number % self._config.memory_episodes, number % self._low_places
        high, low = self.high.memory, self.low.memory
        rows = slice(at * len(self._layer), (at + 1) * len(self._layer))
        goals = relabelled(
            self._kept["goals"][place],
            self._kept["achieved"][place],
            low.observations[rows, 0, : len(STATE)],
            (low.actions[rows, 0, 0] + 1.0) / 2,
            self._layer,
            actor_of(self.low),
            self._random,
            self._config.relabel_sigma,
        )
        high.actions[place * len(self._high_steps) + self._goal_rows, 0, 0] = 2 * goals - 1
