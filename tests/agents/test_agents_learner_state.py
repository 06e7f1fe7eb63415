"""Models of stable-baselines3 as arrays: what comes back learns on bit for bit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from sb3_contrib import RecurrentPPO
from small_tasks import small_task
from stable_baselines3 import DDPG
from stable_baselines3.common.logger import Logger

from qcore.agents.checkpoint import AgentState, Checkpoint
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.haq_env import HaqEnv
from qcore.agents.learner_state import (
    joined,
    learner_state,
    random_state,
    restore_learner,
    restore_random,
)


@pytest.fixture(autouse=True)
def own_randomness() -> Iterator[None]:
    """The process's generators are given back as they were."""
    numbers = np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        yield
    np.random.set_state(numbers)


def through_bytes(state: AgentState) -> AgentState:
    return Checkpoint.from_bytes(Checkpoint("", (), state).to_bytes()).agent


def env() -> HaqEnv:
    task = small_task()
    return HaqEnv(task, PredictedEvaluator(task))


def learner(buffer_size: int = 40) -> DDPG:
    sizes = {"net_arch": [8, 8], "optimizer_kwargs": {"fused": True}}
    model = DDPG("MlpPolicy", env(), 1e-2, buffer_size, policy_kwargs=sizes, device="cpu")
    model.set_logger(Logger(None, []))
    return model


def fill(model: DDPG, count: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    for done in random.random(count) < 0.2:
        seen, after = random.random((2, 1, 10))
        action, reward = random.uniform(-1, 1, (1, 1)), random.normal(size=1)
        model.replay_buffer.add(seen, after, action, reward, np.array([done]), [{}])


def values(model: DDPG | RecurrentPPO) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in learner_state(model).arrays.items()}


def assert_same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert one.keys() == other.keys()
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


@pytest.mark.parametrize("transitions", [30, 47])
def test_an_off_policy_model_learns_on(transitions: int) -> None:
    """Of a buffer of 40 that is not full, and of one that has begun again."""
    torch.manual_seed(1)
    model = learner()
    fill(model, transitions, 0)
    model.train(5, 16)
    known = through_bytes(joined(learner_state(model), random_state()))
    before = values(model)

    def go_on(one: DDPG) -> dict[str, np.ndarray]:
        fill(one, 7, 1)
        one.train(5, 16)
        return values(one)

    expected = go_on(model)
    other = learner()
    restore_learner(other, known)
    restore_random(known)
    assert_same(values(other), before)
    assert other.replay_buffer.size() == min(40, transitions)
    assert other._n_updates == 5
    assert_same(go_on(other), expected)
    assert any((expected[name] != before[name]).any() for name in before)


def test_a_state_stays_as_it_was_taken() -> None:
    model = learner()
    fill(model, 30, 0)
    model.train(1, 16)
    taken = learner_state(model)
    before = {name: array.copy() for name, array in taken.arrays.items()}
    fill(model, 40, 1)
    model.train(3, 16)
    assert_same(dict(taken.arrays), before)


def test_an_on_policy_model_learns_on() -> None:
    def made() -> RecurrentPPO:
        sizes = {"net_arch": [8], "lstm_hidden_size": 4}
        return RecurrentPPO(
            "MlpLstmPolicy", env(), n_steps=10, batch_size=10, policy_kwargs=sizes, device="cpu"
        )

    model = made()
    model.learn(20)
    known = through_bytes(learner_state(model))
    other = made()
    assert any((values(other)[name] != array).any() for name, array in values(model).items())
    restore_learner(other, known)
    assert_same(values(other), values(model))
    assert other.num_timesteps == 20


def test_two_models_under_their_own_names() -> None:
    high, low = learner(), learner(20)
    fill(high, 5, 0)
    fill(low, 9, 1)
    for model in (high, low):
        model.train(1, 4)
    known = through_bytes(joined(learner_state(high, "high|"), learner_state(low, "low|")))
    again = learner(), learner(20)
    restore_learner(again[0], known, "high|")
    restore_learner(again[1], known, "low|")
    assert_same(values(again[0]), values(high))
    assert_same(values(again[1]), values(low))


def test_both_generators_draw_on() -> None:
    np.random.seed(5)
    torch.manual_seed(5)
    np.random.normal(), torch.randn(3)  # an odd number of normals: one is kept for the next call
    known = through_bytes(random_state())

    def drawn() -> list[float]:
        return [*np.random.normal(size=3), *np.random.random(2), *torch.randn(4).tolist()]

    expected = drawn()
    assert drawn() != expected
    restore_random(known)
    assert drawn() == expected
