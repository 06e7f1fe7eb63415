"""AutoQ: goals for layers and bits for kernels, by two controllers that learn."""

from __future__ import annotations

import math

import numpy as np

from qcore.agents.autoq_config import AutoqConfig
from qcore.agents.autoq_env import AutoqEnv
from qcore.agents.autoq_learner import AutoqLearner, Walked
from qcore.agents.autoq_reward import zeta_at
from qcore.agents.autoq_walk import KERNEL, STATE
from qcore.agents.checkpoint import AgentState
from qcore.agents.evaluator import Evaluator
from qcore.agents.exploration import truncated_normal
from qcore.agents.learner_state import joined, random_state, restore_random
from qcore.agents.recorder import Recorder
from qcore.agents.task import SearchTask


def run_autoq(
    task: SearchTask, evaluator: Evaluator, config: AutoqConfig, recorder: Recorder, seed: int
) -> None:
    """Search as AutoQ does (Lou et al. 2020, arXiv 1902.05690): by kernel, or by layer.

    A layer of a problem by layer counts as one kernel. Within budgets of cost the agent is
    resource-constrained; with a budget called "loss" it is accuracy-guaranteed, and the size is
    what it makes small. The predicted loss of a kernel's own bits is no reward here: an evaluator
    knows whole networks, so every step of an episode shares the one reward at its end. What the
    paper leaves open is said where it was chosen: ``AutoqConfig``, ``rank_reward``,
    ``intrinsic_reward``, ``upper_edges``.
    """
    env = AutoqEnv(task, evaluator, config.psi_guaranteed if task.saves else config.psi_resource)
    random = np.random.default_rng(seed)
    learner = AutoqLearner(env, config, random)
    if recorder.resume is not None:
        learner.restore(recorder.resume)
        random.bit_generator.state = recorder.resume.facts["random"]
        restore_random(recorder.resume)
    while recorder.going:
        number = recorder.number
        walked = _episode(env, learner, config, number, random)
        assert env.outcome is not None
        recorder.add(env.outcome, walked.reward)
        learner.remember(walked, number)
        learner.learn(
            number, zeta_at(number, config.zeta_first, config.zeta_last, config.zeta_episodes)
        )
        recorder.keep(
            lambda: joined(
                learner.state(), random_state(), AgentState({"random": random.bit_generator.state})
            )
        )


def _episode(
    env: AutoqEnv,
    learner: AutoqLearner,
    config: AutoqConfig,
    number: int,
    random: np.random.Generator,
) -> Walked:
    """A walk with exploration.

    In the warm-up goals are drawn evenly, and stand for what the low controller would answer:
    kernels drawn evenly all have one mean, and nothing is learnt of others.
    """
    steps, warm = len(env.walk.kind), number < config.warm_up_episodes
    decayed = config.sigma * config.sigma_decay ** max(0, number - config.warm_up_episodes)
    sigma = max(config.sigma_least, decayed)
    together = config.shared_noise * sigma * random.standard_normal(env.walk.layers)
    alone = sigma * math.sqrt(1 - config.shared_noise**2)
    drawn = random.random(steps).tolist()
    seen, actions = np.zeros((steps, len(STATE) + 2), dtype=np.float32), np.zeros(steps)
    high, low = learner.actors()
    observed, _ = env.reset()
    reward = 0.0
    for step in range(steps):
        seen[step] = observed
        if env.walk.kind[step] != KERNEL:
            action = drawn[step]
            if not warm:
                action = truncated_normal(float(high(observed[: len(STATE)])), sigma, action)
        else:
            asked = observed[: len(STATE) + 1]
            mean = float(asked[-1] if warm else low(asked)) + together[env.walk.layer[step]]
            action = truncated_normal(mean, alone, drawn[step])
        actions[step] = action
        observed, reward, *_ = env.step(action)
    return Walked(seen, actions, reward)
