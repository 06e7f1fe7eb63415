"""The sensitivity page: its form, its views, and the focus that all charts share."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from inline_runner import IdleRunner
from streamlit.testing.v1 import AppTest

import ui.engine
from qcore.sensitivity.compare import agreement, common_cells
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.ranking import keep_high, ranking, safe_to_crush
from qcore.store.job import Job
from ui import format as fmt
from ui.engine import prepare_job, prepared
from ui.figures.cells import short_loss, short_name
from ui.results import comparable, table_of

Open = Callable[..., AppTest]
FASHION = "sample:fashion-cnn"


def text_of(app: AppTest) -> str:
    parts = (app.markdown, app.caption, app.info, app.error)
    return "\n".join(str(element.value) for kind in parts for element in kind)


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if label in button.label).click().run()
    assert not app.exception, app.exception
    return app


def job_in_view(app: AppTest) -> Job:
    value = app.query_params["job"]
    return ui.engine.engine().store.get(value[0] if isinstance(value, list) else value)


def asked(app: AppTest) -> SensitivityConfig:
    return SensitivityConfig.from_json(job_in_view(app).question["config"])


def measure(app: AppTest, method: str, images: int = 16, **fields: object) -> AppTest:
    app.segmented_control(key="sensitivity_method").set_value(method).run()
    app.number_input[0].set_value(images)
    for key, value in fields.items():
        app.get_by_key(f"sensitivity_{key}").set_value(value)
    app.run()
    return press(app, "Measure sensitivity")


@pytest.fixture
def page(open_page: Open) -> AppTest:
    app = open_page("sensitivity", model=FASHION)
    app.segmented_control(key="objective-cross_entropy").set_value("kl").run()
    app.get_by_key("sensitivity_bits").set_value([2, 4, 8]).run()
    return app


def test_the_form_says_what_was_changed(page: AppTest) -> None:
    assert "Loss: KL divergence" in text_of(page)
    assert "stops early" not in text_of(page)
    page.number_input[0].set_value(16)
    page.get_by_key("sensitivity_tolerance").set_value(0.1)
    page.get_by_key("sensitivity_base").set_value(8).run()
    for words in ("16 of 1,000 images", "stops early at 10 %", "all else at 8 bits"):
        assert words in text_of(page)
    page.segmented_control(key="sensitivity_method").set_value("noise").run()
    for words in ("stops early", "all else at"):  # of exact runs alone
        assert words not in text_of(page)


def test_fields_are_disabled_where_they_do_not_apply(page: AppTest) -> None:
    def disabled() -> dict[str, bool]:
        names = ("base", "tolerance", "refine")
        return {name: page.get_by_key(f"sensitivity_{name}").disabled for name in names}

    assert disabled() == {"base": False, "tolerance": False, "refine": True}
    page.segmented_control(key="sensitivity_method").set_value("projected").run()
    assert disabled() == {"base": True, "tolerance": True, "refine": False}
    page.segmented_control(key="sensitivity_target").set_value("activation").run()
    assert disabled()["refine"]


def test_a_run_in_view_fills_every_field(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ui.engine.engine().store
    monkeypatch.setattr(ui.engine.engine().runner, "submit", IdleRunner(store).submit)
    measure(page, "exact", tolerance=0.2, base=8)
    first = job_in_view(page)
    assert (asked(page).tolerance, asked(page).base, asked(page).refine) == (0.2, 8, None)
    store.end(first.id, "cancelled", 0.0)
    page.run()
    measure(page, "projected", refine=30)
    second = job_in_view(page)
    assert (asked(page).refine, asked(page).tolerance) == (30, None)
    store.end(second.id, "cancelled", 0.0)
    page.run()
    page.selectbox(key="run").set_value(first.id).run()
    assert page.get_by_key("sensitivity_method").value == "exact"
    assert page.get_by_key("sensitivity_tolerance").value == 0.2
    assert page.get_by_key("sensitivity_base").value == 8
    assert page.get_by_key("sensitivity_refine").value == 0
    page.selectbox(key="run").set_value(second.id).run()
    assert page.get_by_key("sensitivity_tolerance").value == 0
    assert page.get_by_key("sensitivity_refine").value == 30
    assert page.number_input[0].value == 16


def test_a_tolerance_from_the_command_line_is_among_the_choices(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ui.engine.engine().store
    monkeypatch.setattr(ui.engine.engine().runner, "submit", IdleRunner(store).submit)
    measure(page, "exact")
    job = job_in_view(page)
    question = {**job.question, "config": {**job.question["config"], "tolerance": 0.07}}
    other, _ = store.ask("sensitivity", question)
    for one in (job, other):
        store.end(one.id, "cancelled", 0.0)
    page.run()
    page.selectbox(key="run").set_value(other.id).run()
    assert page.get_by_key("sensitivity_tolerance").value == 0.07
    assert "stops early at 7 %" in text_of(page)


def test_the_two_lists_are_those_of_the_engine_and_focus_a_layer(page: AppTest) -> None:
    measure(page, "projected")
    network = prepared(prepare_job(FASHION))
    found = ranking(table_of(job_in_view(page), network), 4)
    keep, crush = page.get_by_key("ranking-arrow_upward"), page.get_by_key("ranking-arrow_downward")
    assert keep.options == [_chip(r.layer, short_loss(r.value)) for r in keep_high(found)]
    assert crush.options == [
        _chip(r.layer, f"≤ {short_loss(r.high)}")
        for r in safe_to_crush(found)
        if r.high is not None
    ]
    layer = safe_to_crush(found)[0].layer
    crush.set_value(layer).run()
    assert not page.exception, page.exception
    assert page.session_state["layer"] == layer
    assert f"**{layer}** and other layers" in text_of(page).replace("\\", "")


def _chip(layer: str, value: str) -> str:
    return f"{fmt.plain(short_name(layer))} · {value}"


def test_the_ranking_follows_its_width_and_criterion(page: AppTest) -> None:
    measure(page, "projected")
    assert page.get_by_key("ranking_bits").value == 4
    assert "one layer at 4 bits" in text_of(page)
    page.get_by_key("ranking_by").set_value("step").run()
    assert "from 4 to 2 bits" in text_of(page)
    assert page.get_by_key("ranking_bits").options == ["4", "8"]
    page.get_by_key("ranking_bits").set_value(8).run()
    assert "from 8 to 4 bits" in text_of(page)


def test_without_another_run_there_is_a_button_that_makes_one(page: AppTest) -> None:
    measure(page, "projected")
    projected = job_in_view(page)
    page.get_by_key("view").set_value("Compare measures").run()
    assert "no other run" in text_of(page)
    press(page, "Measure it exact too")
    assert job_in_view(page).id == projected.id  # what is in view stays
    network = prepared(prepare_job(FASHION))
    (other,) = comparable(network, projected)
    cells = common_cells(table_of(projected, network), table_of(other, network))
    value = agreement(cells).spearman
    assert value is not None
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["all"] == f"{value:.3f}"
    assert list(shown) == ["all", "2 bits", "4 bits", "8 bits"]
    assert "33 common cells" in text_of(page)


def test_the_likest_run_is_compared_first(page: AppTest) -> None:
    measure(page, "noise")
    measure(page, "exact")
    measure(page, "exact", images=20)
    measure(page, "projected")
    page.get_by_key("view").set_value("Compare measures").run()
    found = comparable(prepared(prepare_job(FASHION)), job_in_view(page))
    configs = [one.question["config"] for one in found]
    assert [c["method"] for c in configs] == ["exact", "exact", "noise"]
    assert page.get_by_key("compared_run").value == found[0].id


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ("Ranking", "Ranked by ΔL"),
        ("Kernels", "ΔL of each rounded alone"),
        ("Compare measures", "no other run to compare with"),
        ("Trust check", "How far can this table be trusted"),
    ],
)
def test_every_view_stands_on_its_own_address(open_page: Open, view: str, words: str) -> None:
    app = open_page("sensitivity", model=FASHION, view=view)
    app.get_by_key("sensitivity_bits").set_value([2, 4, 8]).run()
    measure(app, "projected")
    assert app.get_by_key("view").value == view
    assert words in text_of(app)


def test_a_run_without_rows_has_its_charts(page: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ui.engine.engine().store
    monkeypatch.setattr(ui.engine.engine().runner, "submit", IdleRunner(store).submit)
    measure(page, "exact")
    assert "0 of 33 cells, provisional" in text_of(page)
    assert "No layer has a value at this width yet" in text_of(page)
    page.get_by_key("view").set_value("Compare measures").run()
    assert not page.exception, page.exception


def test_compared_layers_follow_the_run_until_they_are_chosen(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def field() -> list[str]:
        return list(page.get_by_key("sensitivity_compared").value)

    def first() -> list[str]:
        table = table_of(job_in_view(page), prepared(prepare_job(FASHION)))
        found = [r.layer for r in ranking(table, 4)]
        return [name for name in found if name != page.session_state["layer"]][:3]

    measure(page, "noise")
    before = field()
    assert before == first()
    runner = ui.engine.engine().runner
    submit = runner.submit
    monkeypatch.setattr(runner, "submit", IdleRunner(ui.engine.engine().store).submit)
    measure(page, "exact", images=20)  # waits, without rows
    assert field() == before
    page.get_by_key("sensitivity_compared").set_value(before).run()  # as a browser sends it again
    ui.engine.engine().store.end(job_in_view(page).id, "cancelled", 0.0)
    monkeypatch.setattr(runner, "submit", submit)
    page.run()
    measure(page, "projected", images=20)
    assert field() == first() != before
    chosen = field()[:1]
    page.get_by_key("sensitivity_compared").set_value(chosen).run()
    measure(page, "noise")
    assert field() == chosen


def test_a_long_reason_leaves_room_for_the_button(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ui.engine.engine().store
    monkeypatch.setattr(ui.engine.engine().runner, "submit", IdleRunner(store).submit)
    measure(page, "exact")
    reason = "it cannot be read: " + "one more word " * 30
    store.end(job_in_view(page).id, "failed", 0.0, reason)
    page.run()
    (line,) = (one for one in page.markdown if "pause_circle" in one.value)
    assert line.value.endswith("…")
    assert len(line.value) < 130
    assert line.proto.help.count("one more word") == 30
    assert any(button.label == "Resume" for button in page.button)


def test_the_hessian_is_called_by_its_own_name(page: AppTest) -> None:
    measure(page, "hessian")
    shown = text_of(page)
    assert "**Ω of each layer at each bit width.**" in shown
    assert "Ranked by Ω" in shown
    assert not re.search("ΔL|Ω, Ω|sample:", shown)


def test_what_the_marks_mean_is_said_where_they_are(page: AppTest) -> None:
    measure(page, "noise")
    shown = text_of(page)
    assert "Colour is the logarithm" in shown
    assert not re.search("Blue|Dot:", shown)  # noise is never negative, nor refined
