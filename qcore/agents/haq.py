"""HAQ: an actor and a critic give each layer its bits (Wang et al. 2019, arXiv 1811.08886)."""

from __future__ import annotations

import numpy as np

from qcore.agents.checkpoint import AgentState
from qcore.agents.env import Observation
from qcore.agents.evaluator import Evaluator
from qcore.agents.exploration import truncated_normal
from qcore.agents.haq_config import HaqConfig
from qcore.agents.haq_env import HaqEnv
from qcore.agents.haq_learner import HaqLearner, make_learner
from qcore.agents.learner_state import (
    joined,
    learner_state,
    random_state,
    restore_learner,
    restore_random,
)
from qcore.agents.outcome import Outcome
from qcore.agents.recorder import Recorder
from qcore.agents.task import SearchTask, check_layers_within_costs


def run_haq(
    task: SearchTask, evaluator: Evaluator, config: HaqConfig, recorder: Recorder, seed: int
) -> None:
    """Episodes of HAQ, told to ``recorder``.

    As HAQ's code does it: random actions first, then a truncated normal around the actor's; the
    episode's reward written to each of its steps; a moving average taken off the rewards that are
    drawn to learn from; updates after the episode. Raises BadInput for bits per kernel and for a
    budget of loss.
    """
    check_layers_within_costs(task, "HAQ")
    env = HaqEnv(task, evaluator, config.variant)
    model, random = make_learner(env, config), np.random.default_rng(seed)
    if recorder.resume is not None:
        _restore(model, random, recorder.resume)
    while recorder.going:
        sigma = exploration(config, recorder.number + 1)
        outcome, seen, actions, reward = _episode(env, model, random, sigma)
        if config.remembers == "enforced":
            seen, actions = env.settled(actions)
        model.remember(seen, actions, reward)
        if sigma is not None:
            model.train(max(1, round(config.updates_per_step * env.steps)), config.batch)
        recorder.add(outcome, reward)
        recorder.keep(lambda: _state(model, random))


def exploration(config: HaqConfig, number: int) -> float | None:
    """Standard deviation of the actions in episode ``number``, from 1; None while they are random.

    Example: with the defaults None up to 21, 0.495 at 22, 0.5 · 0.99^100 = 0.183 at 121.
    """
    if number <= config.warm_up_episodes:
        return None
    return config.sigma * config.sigma_decay ** (number - config.warm_up_episodes)


def _episode(
    env: HaqEnv, model: HaqLearner, random: np.random.Generator, sigma: float | None
) -> tuple[Outcome, list[Observation], list[float], float]:
    """What came of it, and what was seen, done and earned on the way."""
    observed, _ = env.reset()
    seen, actions, done, reward = [observed], list[float](), False, 0.0
    while not done:
        if sigma is None:
            action = random.random()
        else:
            action = truncated_normal(model.act(observed), sigma, random.random())
        observed, reward, done, _, _ = env.step(np.array([action]))
        seen.append(observed)
        actions.append(action)
    assert env.outcome is not None
    return env.outcome, seen, actions, reward


def _state(model: HaqLearner, random: np.random.Generator) -> AgentState:
    own = {"exploration": random.bit_generator.state, "baseline": model.memory.baseline}
    return joined(learner_state(model), random_state(), AgentState(own))


def _restore(model: HaqLearner, random: np.random.Generator, known: AgentState) -> None:
    restore_learner(model, known)
    restore_random(known)
    random.bit_generator.state = known.facts["exploration"]
    model.memory.baseline = known.facts["baseline"]
