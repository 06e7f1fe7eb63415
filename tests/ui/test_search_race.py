"""Who runs against whom, and what agents can be told."""

from __future__ import annotations

from typing import Any

from qcore.agents.haq_config import HaqConfig
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.releq_config import ReleqConfig
from qcore.jobs.search_question import SearchQuestion
from qcore.sensitivity.config import SensitivityConfig
from ui.search.race import race_of
from ui.search.settings import SHOWN, about_setting, shown_settings


def base() -> SearchQuestion:
    config = SensitivityConfig((4, 8), "kl", 4)
    data: Any = None
    return SearchQuestion(
        "m", "f", data, "d", config, "random", RandomConfig(), (("average_bits", 4.0),), 30
    )


def entry(agent: Any, settings: Any) -> SearchQuestion:
    return SearchQuestion(**{**base().__dict__, "agent": agent, "settings": settings})


def test_each_agent_s_random_search_evaluates_as_many() -> None:
    agents = [entry("releq", ReleqConfig(reward_time="each layer")), entry("haq", HaqConfig())]
    found = race_of(base(), agents, 3, units=11)
    draws = {a.agent: getattr(found.opponent(a).settings, "draws", 0) for a in found.agents}
    assert draws == {"releq": 11, "haq": 1}
    assert [found.title(one) for one in found.entries[2:]] == ["Random × 1", "Random × 11"]
    end = race_of(base(), [entry("releq", ReleqConfig(reward_time="end"))], 3, units=11)
    assert [end.title(one) for one in end.entries] == ["ReLeQ", "Random search"]
    assert [one.seed for one in end.runs(end.entries[0])] == [0, 1, 2]


def test_settings_are_those_of_the_configurations() -> None:
    for agent, names in SHOWN.items():
        assert shown_settings(agent) == list(names)
        for name in names:
            assert about_setting(agent, name), (agent, name)
