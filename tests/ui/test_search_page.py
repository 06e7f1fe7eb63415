"""The page Search: a race asked, followed, stopped, gone on with, and its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from allocate_common import FASHION, link, press, text_of
from streamlit.testing.v1 import AppTest

from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.random_search import run_random
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.recorder import Recorder
from qcore.agents.references import references
from qcore.graph.load import load_network
from qcore.jobs.kept_search import pack_episodes, pack_references
from qcore.jobs.kinds import WORK
from qcore.jobs.reporter import Cancelled, Reporter
from qcore.jobs.search_question import SearchQuestion
from qcore.jobs.search_setting_of import setting_of
from qcore.measure.evaluation import Evaluation
from qcore.store.store import Store
from ui.engine import engine
from ui.search.race import Race
from ui.search.standing import standing

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]
_DRAWS = {"haq": 5, "autoq": 2, "releq": 1}  # of the stand-ins, an episode


class Worker:
    """Stands in for agents: random search by other names. ``stops`` runs after half the episodes;
    ``runs`` are the jobs it was given."""

    def __init__(self) -> None:
        self.runs: list[SearchQuestion] = []
        self.stops = False
        self.fails = ""

    def __call__(
        self, job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
    ) -> Mapping[str, Any]:
        asked = SearchQuestion.from_json(question)
        self.runs.append(asked)
        if asked.agent == self.fails:
            raise RuntimeError("no luck")
        setting = setting_of(store, asked, load_network(asked.model).description)
        evaluator = PredictedEvaluator(setting.task)
        lines = references(setting.task, evaluator)
        store.put_arrays(job_id, pack_references(lines))
        draws = getattr(asked.settings, "draws", _DRAWS.get(asked.agent, 1))
        wanted = asked.episodes // 2 if self.stops else asked.episodes
        recorder = Recorder(evaluator, wanted)
        seed = 100 * sum(asked.agent.encode()) + asked.seed
        run_random(setting.task, evaluator, RandomConfig(draws), recorder, seed)
        store.put_arrays(job_id, pack_episodes(recorder.episodes))
        if self.stops:
            raise Cancelled
        assert recorder.best is not None
        assert recorder.best.choice is not None
        return {
            "choice": list(recorder.best.choice),
            "evaluations": recorder.evaluations,
            "seconds": 2.0,
        }


def fixed_evaluation(*_: Any) -> Mapping[str, Any]:
    """Stands in for measuring: every configuration loses as much."""
    return Evaluation("kl", 0.02, 0.0, 0.015, 0.025, 0.9, 0.92, 0.97, 2000, 0.1).to_json()


@pytest.fixture
def agents(monkeypatch: pytest.MonkeyPatch) -> Worker:
    """Stand-ins for agents; what they find is measured."""
    made = Worker()
    monkeypatch.setitem(WORK, "search", made)
    return made


@pytest.fixture
def worker(agents: Worker, monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setitem(WORK, "evaluate", fixed_evaluation)
    return agents


def measured(open_page: Open, page: str = "search") -> AppTest:
    """The page once there is a projected run of weights."""
    app = open_page("sensitivity", model=FASHION)
    app.segmented_control(key="sensitivity_method").set_value("projected")
    app.number_input[0].set_value(16).run()
    press(app, "Measure sensitivity")
    app.switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    return app


def race(app: AppTest, agents: tuple[str, ...] = ("haq", "autoq"), seeds: int = 2) -> AppTest:
    app.pills(key="search_agents").set_value(list(agents))
    app.selectbox(key="search_budget").set_value("average_bits").run()
    app.number_input(key="search_episodes").set_value(20)
    app.number_input(key="search_seeds").set_value(seeds).run()
    return press(app, "Race")


def shown(app: AppTest) -> Race:
    """The race of the link."""
    ids = link(app)["race"].split("-")
    jobs = [engine().store.get(key) for key in ids[1:]]
    return Race(tuple(SearchQuestion.from_json(job.question) for job in jobs), int(ids[0]))


def test_before_a_table_it_teaches(open_page: Open) -> None:
    app = open_page("search", model=FASHION)
    assert "Measure it first" in text_of(app)
    assert "Race" not in [button.label for button in app.button]


def test_a_race_from_the_button_to_the_table(open_page: Open, agents: Worker) -> None:
    app = measured(open_page)
    assert "Press **Race**" in text_of(app)
    dialled = app.number_input(key="search_value").value
    app.selectbox(key="search_budget").set_value("average_bits").run()
    assert app.number_input(key="search_value").value == pytest.approx(4.0)
    app.selectbox(key="search_budget").set_value("size_bytes").run()
    assert app.number_input(key="search_value").value == dialled
    race(app)
    assert [one.agent for one in agents.runs] == ["random", "haq", "autoq"] * 2  # seed by seed
    assert {one.seed for one in agents.runs} == {0, 1}
    assert {one.budgets for one in agents.runs} == {(("average_bits", 4.0),)}
    now = standing(shown(app))
    assert not now.active
    assert now.references is not None
    words = text_of(app)
    assert "20 configurations in its 20 episodes, and random search as many" in words
    assert "the lowest measured loss" in words
    assert "6 runs are in the store" in words
    # HAQ's first 21 episodes are random: it has but 20.
    assert "first 20 of 20 episodes were drawn at random" in words
    # Optimum, uniform, agents and random search: each measured on held-out images.
    assert sum("Held-out" in caption.value for caption in app.caption) == 1
    assert len(engine().store.jobs("evaluate")) >= 3
    assert len(app.get("plotly_chart")) == 3
    # A reload finds it again, and asks nothing anew.
    again = open_page_again(app)
    assert text_of(again).count("the lowest measured loss") == 1
    assert len(agents.runs) == 6
    assert again.number_input(key="search_episodes").value == 20
    assert again.pills(key="search_agents").value == ["haq", "autoq"]


def open_page_again(app: AppTest) -> AppTest:
    """The same link in another session on the same store."""
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
    for name, value in link(app).items():
        other.query_params[name] = value
    other.run()
    other.switch_page("pages/search.py")
    for name, value in link(app).items():
        other.query_params[name] = value
    other.run()
    assert not other.exception, other.exception
    return other


def test_what_was_stopped_is_kept_and_goes_on(open_page: Open, worker: Worker) -> None:
    app = measured(open_page)
    worker.stops = True
    race(app, ("haq",), 1)
    assert "stopped after 10 of 20 episodes" in progress_texts(app)
    before = len(worker.runs)
    app.run()
    assert len(worker.runs) == before  # a rerun asks nothing anew
    words = text_of(app)
    assert "lowest measured loss" in words  # of the best so far
    assert "HAQ (stopped after 10 of 20 episodes)" in words  # beside the result, too
    worker.stops = False
    press(app, "Go on with all")
    assert len(worker.runs) == 2 * before
    assert [one.agent for one in worker.runs[before:]] == ["random", "haq"]  # as at the start
    assert "stopped" not in progress_texts(app)


def progress_texts(app: AppTest) -> str:
    return "\n".join(bar.proto.text for bar in app.get("progress"))


def test_an_agent_that_fails_says_why_beside_the_others(open_page: Open, worker: Worker) -> None:
    app = measured(open_page)
    worker.fails = "haq"
    race(app, ("haq", "autoq"), 1)
    assert "failed: unexpected RuntimeError: no luck" in progress_texts(app).replace("\\", "")
    assert "lowest measured loss" in text_of(app)
    before = len(worker.runs)
    app.run()
    assert len(worker.runs) == before


def test_results_go_to_the_comparison_and_into_files(open_page: Open, worker: Worker) -> None:
    app = measured(open_page)
    race(app, ("haq",), 1)
    app.button(key="search-keep-HAQ").click().run()
    assert not app.exception, app.exception
    assert app.button(key="search-keep-HAQ").disabled
    assert "HAQ is in the comparison as **A**" in app.toast[0].value
    run = standing(shown(app)).agents[0].best_run
    assert run is not None
    best = run.best
    assert best is not None
    app.switch_page("pages/allocate.py").run()
    bits = (2, 3, 4, 5, 6, 8)
    assert best.choice is not None
    assert link(app)["kept"].startswith("".join(str(bits[o]) for o in best.choice))


def test_kernels_and_a_limit_of_loss_are_autoq_s(open_page: Open, worker: Worker) -> None:
    app = measured(open_page)
    app.segmented_control(key="search_level").set_value("Kernels").run()
    assert "latency_ms" not in app.selectbox(key="search_budget").options
    app.number_input(key="search_seeds").set_value(1)
    app.number_input(key="search_episodes").set_value(10).run()
    press(app, "Race")
    assert {(one.agent, one.per_kernel) for one in worker.runs} == {
        ("autoq", True),
        ("random", True),
    }
    assert not app.button(key="search-keep-AutoQ").disabled
    assert app.button(key="search-keep-Random search").disabled is False
    assert app.button(key="search-keep-Prices on the budgets").disabled
    app.segmented_control(key="search_level").set_value("Layers").run()
    app.selectbox(key="search_budget").set_value("loss").run()
    press(app, "Race")
    assert worker.runs[-1].budgets[0][0] == "loss"
    assert "Best size (kB) so far" in text_of(app)
    assert "interaction" not in app.selectbox(key="search_evaluator").options
    assert "smallest" in text_of(app)
    assert "**exceeded** by" in text_of(app)  # 0.02 is measured of every one


def test_a_link_to_a_race_that_is_not_here_says_so(open_page: Open, worker: Worker) -> None:
    app = measured(open_page)
    for text in ("3-" + "0" * 32 + "-" + "1" * 32, "9-x", "<b>"):
        app.query_params["race"] = text
        app.run()
        assert not app.exception, app.exception
        assert "not here" in app.warning[0].value
        assert "race" not in link(app)
