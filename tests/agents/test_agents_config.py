"""What agents can be told."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from small_tasks import small_task

from qcore.agents.autoq_config import AutoqConfig
from qcore.agents.config import (
    CONFIGS,
    LAYERS_ONLY,
    AgentConfig,
    agent_name,
    config_from_json,
    config_to_json,
    evaluations_per_episode,
)
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.haq_config import HaqConfig
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.releq_config import ReleqConfig
from qcore.agents.search import search
from qcore.errors import BadInput


@pytest.mark.parametrize("name", CONFIGS)
def test_configurations_survive_as_json(name: str) -> None:
    config = CONFIGS[name]()  # type: ignore[index]
    assert agent_name(config) == name
    assert config_from_json(name, config_to_json(config)) == config  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no setting"):
        config_from_json(name, {"colour": 1})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", CONFIGS.values())
def test_every_setting_says_in_a_sentence_what_it_is(kind: type[AgentConfig]) -> None:
    for field in fields(kind):
        words = field.metadata["help"]
        assert words[0].isupper(), field.name
        assert words.endswith("."), field.name
        assert len(words) < 90, field.name
        assert f"``{field.name}``" in (kind.__doc__ or ""), field.name


@pytest.mark.parametrize(
    "config",
    [
        ReleqConfig(lstm=8, policy_layers=(8,), value_layers=(8,), reward_time="each layer"),
        ReleqConfig(lstm=8, policy_layers=(8,), value_layers=(8,)),
        HaqConfig(),
        AutoqConfig(),
        RandomConfig(7),
    ],
)
def test_evaluations_of_an_episode_are_what_a_search_counts(config: AgentConfig) -> None:
    task = small_task(pins={1: 0}, groups=((0, 3),))
    run = search(task, PredictedEvaluator(task), config, episodes=4)
    assert run.evaluations == 4 * evaluations_per_episode(config, int(task.free.sum()))


@pytest.mark.parametrize("name", CONFIGS)
def test_who_gives_bits_to_layers_only(name: str) -> None:
    task = small_task(layers=3)
    saving = replace(task.problem, loss=task.problem.costs["size"], budgets={"loss": 9e9})
    for one in (
        replace(task, layers=task.layers[:1], layer_of_row=task.layer_of_row * 0),
        replace(task, problem=saving),
    ):
        config = CONFIGS[name]()  # type: ignore[index]
        if name in LAYERS_ONLY:
            with pytest.raises(BadInput, match="use AutoQ"):
                search(one, PredictedEvaluator(one), config, episodes=1)
        else:
            assert search(one, PredictedEvaluator(one), config, episodes=1).finished
