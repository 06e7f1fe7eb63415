"""Who runs against whom, what agents can be told, and what is said of how it ended."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from qcore.agents.config import CONFIGS
from qcore.agents.episode import Episode
from qcore.agents.haq_config import HaqConfig
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.releq_config import ReleqConfig
from qcore.jobs.search_question import SearchQuestion
from qcore.measure.evaluation import Evaluation
from qcore.sensitivity.config import SensitivityConfig
from ui.search.race import Race, race_of
from ui.search.results import Result
from ui.search.scale import Scale, alike
from ui.search.settings import SHOWN
from ui.search.standing import Competitor, Run, Standing
from ui.search.winner import winner_words
from ui.search.words import verdicts


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
        assert set(names) <= {field.name for field in fields(CONFIGS[agent])}


def ended(*seeds: list[float], of: int = 3, agent: str = "haq") -> Competitor:
    """A competitor that found these values, episode by episode, and was stopped after them."""
    settings: Any = HaqConfig(warm_up_episodes=1) if agent == "haq" else RandomConfig()
    asked = SearchQuestion(**{**entry(agent, settings).__dict__, "episodes": of})
    job: Any = type("Job", (), {"state": "finished", "active": False})()
    runs = [
        Run(asked, job if len(values) == of else None, tuple(map(episode, range(of), values)))
        for values in seeds
    ]
    return Competitor(asked, "HAQ" if agent == "haq" else "Random search", tuple(runs))


def episode(place: int, value: float) -> Episode:
    return Episode(place + 1, 0.0, value, 1.0, value, {}, True, place + 1, 1.0, (0,))


def against(agent: Competitor, chance: Competitor, budget: str = "average_bits") -> Standing:
    entries = [replace(one.entry, budgets=((budget, 0.01),)) for one in (agent, chance)]
    both = [replace(one, entry=e) for one, e in zip((agent, chance), entries, strict=True)]
    return Standing(Race(tuple(entries), len(agent.runs)), tuple(both), None)


@pytest.mark.parametrize(
    ("own", "other", "said"),
    [
        ([[0.9, 0.5, 0.1]], [[0.9, 0.5, 0.2]], "**HAQ beat random search**"),
        ([[0.9, 0.5, 0.2]], [[0.9, 0.5, 0.1]], "**HAQ did not beat random search**"),
        ([[0.9, 0.5, 0.2]], [[0.9, 0.5, 0.2]], "**HAQ and random search tie** at +0.200"),
        ([[0.9, 0.2]], [[0.9, 0.5, 0.4]], "not compared with random search: HAQ was stopped after"),
        ([[0.9, 0.5, 0.2], []], [[0.9, 0.5, 0.4]] * 2, "HAQ was stopped after 3 of 6 episodes"),
    ],
)
def test_an_agent_is_judged_by_as_many_evaluations(
    own: list[list[float]], other: list[list[float]], said: str
) -> None:
    now = against(ended(*own), ended(*other, agent="random"))
    (words,) = verdicts(now, Scale("loss"))
    assert said in words
    assert words.count("random search") == 1


def result(name: str, value: float, loss: float) -> Result:
    found = Evaluation("kl", loss, 0.0, loss - 0.001, loss + 0.001, None, None, None, 2000, 0.1)
    measured: Any = type("Measured", (), {"result": found, "job": None})()
    return Result(name, (0,), value, None, None, {}, measured)


def test_a_race_for_size_names_the_smallest_and_who_keeps_the_limit() -> None:
    now = against(ended([1.0] * 3), ended([1.0] * 3, agent="random"), "loss")
    each = [result("HAQ", 50_480, 0.009), result("Optimum", 41_030, 0.02)]
    smallest, limit = winner_words(now, each, Scale("size (kB)", 0.0, 1000.0, "kB"))
    assert smallest == "**Optimum is the smallest network**: 41.03 kB."
    assert "kept by HAQ, **exceeded** by Optimum (+0.0200)" in limit


def test_equal_written_losses_are_a_tie() -> None:
    now = against(ended([1.0] * 3), ended([1.0] * 3, agent="random"))
    each = [result("HAQ", 0.1, 0.0100001), result("Optimum", 0.1, 0.01)]
    (words,) = winner_words(now, each, Scale("loss"))
    assert words.startswith("**HAQ and Optimum tie for the lowest measured loss**: +0.0100")


def test_losses_in_a_line_have_one_notation() -> None:
    assert alike(0.00012, 0.00904) == ["+0.00012", "+0.00904"]
    assert alike(-3.0e-4, 1e-4) == ["−3.0e−4", "+1.0e−4"]
