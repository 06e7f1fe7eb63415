"""Searches as jobs: what is kept, cancelled, gone on with, and refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from jobs_common import MODEL, ask, sensitivity_question

from qcore.agents import recorder
from qcore.agents.config import CONFIGS, DEFAULT_EPISODES, AgentConfig, AgentName
from qcore.agents.episode import best_choice, best_values
from qcore.agents.haq_config import HaqConfig
from qcore.agents.random_search_config import RandomConfig
from qcore.allocate import solve_ilp
from qcore.graph.load import load_network
from qcore.jobs.kept_search import episodes_of, references_of
from qcore.jobs.questions import SensitivityQuestion, to_json
from qcore.jobs.reporter import Reporter
from qcore.jobs.search_question import SearchQuestion
from qcore.jobs.search_setting_of import setting_of
from qcore.jobs.work import run_job
from qcore.store.job import Job
from qcore.store.store import Store

BUDGET = (("average_bits", 4.0),)


def run_of_table(store: Store) -> SensitivityQuestion:
    plain = sensitivity_question((2, 4, 8), 32)
    config = replace(plain.config, objective="kl", method="projected", probes=2)
    asked = replace(plain, config=config)
    job = ask(store, asked)
    run_job(job.id, store.url)
    return asked


def question(
    run: SensitivityQuestion,
    agent: AgentName = "random",
    settings: AgentConfig | None = None,
    **changes: object,
) -> SearchQuestion:
    asked = SearchQuestion(
        run.model,
        run.model_fingerprint,
        run.data,
        run.data_fingerprint,
        run.config,
        agent,
        settings or CONFIGS[agent](),
        BUDGET,
        episodes=40,
    )
    return replace(asked, **changes)  # type: ignore[arg-type]


def done(store: Store, asked: SearchQuestion) -> Job:
    job = ask(store, asked)
    run_job(job.id, store.url)
    return store.get(job.id)


@pytest.mark.parametrize("agent", list(CONFIGS))
def test_a_question_survives_the_store(store: Store, agent: AgentName) -> None:
    run = sensitivity_question((2, 4, 8), 32)
    asked = question(run, agent, pins=(("head", 8, None),), evaluator="measured", images=8)
    assert SearchQuestion.from_json(to_json(asked)) == asked
    assert DEFAULT_EPISODES[agent] > 0


def test_it_keeps_episodes_and_what_they_are_measured_against(store: Store) -> None:
    asked = question(run_of_table(store))
    job = done(store, asked)
    assert job.state == "finished", job.message
    episodes, lines = episodes_of(store, job.id), references_of(store, job.id)
    assert [episode.number for episode in episodes] == list(range(1, 41))
    assert job.result is not None
    assert best_choice(episodes) == tuple(job.result["choice"])
    setting = setting_of(store, asked, load_network(MODEL).description)
    assert lines is not None
    assert lines.bound is not None
    assert lines.optimum.value == pytest.approx(solve_ilp(setting.task.problem).loss)
    best = best_values(episodes)[-1]
    assert best is not None
    assert lines.bound - 1e-12 <= lines.optimum.value <= best
    assert setting.costs(job.result["choice"])["loss"] == pytest.approx(best)
    assert setting.costs(job.result["choice"])["average_bits"] <= 4.0


def test_cancelled_it_goes_on_where_it_was(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_CHECKPOINT_SECONDS", 0.0)
    run = run_of_table(store)
    whole = done(store, question(run, seed=1))
    beats: list[int] = []
    stop = Reporter.should_stop

    def stopping(self: Reporter) -> bool:
        beats.append(1)
        return len(beats) > 30 or stop(self)

    with monkeypatch.context() as patch:
        patch.setattr(Reporter, "should_stop", stopping)
        asked = question(run, episodes=41, seed=1)
        assert done(store, asked).state == "cancelled"
    job = ask(store, asked)
    part = episodes_of(store, job.id)
    assert 0 < len(part) < 40
    assert done(store, asked).state == "finished"
    each = zip(episodes_of(store, whole.id), episodes_of(store, job.id), strict=False)
    for one, other in each:
        assert replace(one, seconds=0.0) == replace(other, seconds=0.0)
    assert len(episodes_of(store, job.id)) == 41


def test_what_cannot_be_searched_is_one_line(store: Store) -> None:
    run = run_of_table(store)
    for changes, words in (
        ({"budgets": (("average_bits", 1.0),)}, "nearest feasible: average_bits=2"),
        ({"budgets": (("latency_ms", 1.0),)}, "needs hardware"),
        ({"hardware": "bismo-edge", "inputs": 8, "hardware_revision": "old"}, "other figures"),
        ({"config": replace(run.config, images=31)}, "is gone; measure it again"),
        ({"pins": tuple((f"layer{i}", 8, None) for i in range(2))}, "no layer is called"),
    ):
        job = done(store, question(run, **changes))
        assert job.state == "failed"
        assert words in job.message
    small = HaqConfig()
    assert done(store, question(run, "haq", small, budgets=(("loss", 0.01),))).state == "failed"


def test_interactions_are_the_evaluators_and_have_no_bound(store: Store) -> None:
    job = done(store, question(run_of_table(store), evaluator="interaction"))
    assert job.state == "finished", job.message
    lines = references_of(store, job.id)
    assert lines is not None
    assert lines.bound is None


def test_measured_configurations_are_kept(store: Store) -> None:
    asked = question(
        run_of_table(store),
        settings=RandomConfig(),
        evaluator="measured",
        images=16,
        episodes=3,
    )
    job = done(store, asked)
    assert job.state == "finished", job.message
    assert len(store.arrays(job.id, "search|score|")) >= 3
