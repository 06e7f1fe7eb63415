"""ReLeQ: a recurrent policy gives each layer its weight bits (Elthakeb et al. 2020)."""

from __future__ import annotations

import numpy as np
import torch
from sb3_contrib import RecurrentPPO
from sb3_contrib.common.recurrent.buffers import RecurrentRolloutBuffer
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from sb3_contrib.common.recurrent.type_aliases import RNNStates
from stable_baselines3.common.logger import Logger

from qcore.agents.checkpoint import AgentState
from qcore.agents.evaluator import Evaluator
from qcore.agents.learner_state import (
    joined,
    learner_state,
    random_state,
    restore_learner,
    restore_random,
)
from qcore.agents.outcome import Outcome
from qcore.agents.recorder import Recorder
from qcore.agents.releq_config import ReleqConfig
from qcore.agents.releq_env import ReleqEnv
from qcore.agents.releq_rollout import restore_rollout, rollout_state
from qcore.agents.task import SearchTask, check_layers_within_costs


def run_releq(
    task: SearchTask, evaluator: Evaluator, config: ReleqConfig, recorder: Recorder, seed: int
) -> None:
    """Proximal policy optimisation with an LSTM over the layers (arXiv 1811.01704).

    The library's own loop would end between two steps; an episode here is one walk over the
    layers, and after ``config.rollout_episodes`` of them the policy is updated. An episode's
    reward is the sum of its steps'. Raises BadInput for kernels and for a budget of loss.
    """
    check_layers_within_costs(task, "ReLeQ")
    env = ReleqEnv(task, evaluator, config)
    model = _learner(env, config)
    policy, rollout = model.policy, model.rollout_buffer
    assert isinstance(policy, RecurrentActorCriticPolicy)
    assert isinstance(rollout, RecurrentRolloutBuffer)

    def state() -> AgentState:
        return joined(learner_state(model), rollout_state(rollout), random_state())

    if recorder.resume is not None:
        restore_learner(model, recorder.resume)
        restore_rollout(rollout, recorder.resume)
        restore_random(recorder.resume)
    last = min(config.deterministic_last, recorder.wanted // 10)
    while recorder.going:
        learning = recorder.number < recorder.wanted - last
        outcome, reward = _episode(env, policy, rollout if learning else None)
        recorder.add(outcome, reward)
        if rollout.full:
            model.train()
            policy.set_training_mode(False)
            rollout.reset()  # type: ignore[no-untyped-call]
        recorder.keep(state)


def _learner(env: ReleqEnv, config: ReleqConfig) -> RecurrentPPO:
    steps = len(env.units) * config.rollout_episodes
    model = RecurrentPPO(
        "MlpLstmPolicy",
        env,
        learning_rate=config.learning_rate,
        n_steps=steps,
        batch_size=steps,
        n_epochs=config.epochs,
        gamma=config.discount,
        gae_lambda=config.gae_lambda,
        clip_range=config.clip,
        ent_coef=config.entropy,
        vf_coef=config.value,
        policy_kwargs={
            "lstm_hidden_size": config.lstm,
            "shared_lstm": True,
            "enable_critic_lstm": False,
            "net_arch": {"pi": list(config.policy_layers), "vf": list(config.value_layers)},
        },
        device="cpu",
    )
    model.set_logger(Logger(None, []))
    model.policy.set_training_mode(False)
    return model


def _episode(
    env: ReleqEnv, policy: RecurrentActorCriticPolicy, rollout: RecurrentRolloutBuffer | None
) -> tuple[Outcome, float]:
    """One walk, its steps put into ``rollout``; without one the likeliest widths are taken."""
    observed, _ = env.reset()
    nothing = torch.zeros(policy.lstm_hidden_state_shape)
    states = RNNStates((nothing, nothing), (nothing, nothing))
    start, total, done = 1.0, 0.0, False
    while not done:
        with torch.no_grad():
            action, value, likelihood, states_after = policy(
                torch.from_numpy(observed)[None],
                states,
                torch.tensor([start]),
                deterministic=rollout is None,
            )
        after, reward, done, _, _ = env.step(action.item())
        total += reward
        if rollout is not None:
            rollout.add(
                observed[None],
                action.numpy(),
                np.array([reward]),
                np.array([start]),
                value,
                likelihood,
                lstm_states=states,
            )
        observed, states, start = after, states_after, 0.0
    if rollout is not None and rollout.full:
        rollout.compute_returns_and_advantage(value, np.array([True]))
    assert env.outcome is not None
    return env.outcome, total
