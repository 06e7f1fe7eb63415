"""What a visitor meets on each page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allocate_common import Dial
from inline_runner import IdleRunner
from streamlit.testing.v1 import AppTest

import ui.engine
from qcore.calibrate.clipping import Clipping
from qcore.errors import BadInput
from qcore.samples import SAMPLES
from qcore.store.clippings import keep_clipping, read_clipping

Open = Callable[..., AppTest]
FASHION = "sample:fashion-cnn"
OTHER = "sample:efficientnet-lite0"


def text_of(app: AppTest) -> str:
    parts = (app.markdown, app.caption, app.info, app.error, app.title, app.subheader)
    return "\n".join(str(element.value) for kind in parts for element in kind)


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def query(app: AppTest, name: str) -> str:
    value = app.query_params[name]
    return value[0] if isinstance(value, list) else value


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if label in button.label).click().run()
    assert not app.exception, app.exception
    return app


@pytest.mark.parametrize("page", [None, "data", "weights", "sensitivity", "allocate"])
def test_without_a_network_every_page_says_what_it_shows_and_offers_the_samples(
    open_page: Open, page: str | None
) -> None:
    app = open_page(page)
    labels = [button.label for button in app.button]
    assert labels == [*(f"Open {sample.title}" for sample in SAMPLES.values()), "Open"]
    assert "Start with a sample network" in text_of(app)


def test_one_click_opens_a_sample(open_page: Open) -> None:
    app = press(open_page(), "Open Fashion CNN")
    shown = metrics(app)
    assert shown["Layers"] == "11"
    assert shown["Parameters"] == "79.7 k"
    assert app.dataframe[0].value["weights"].sum() == 78_816
    assert "relu × 10" in text_of(app)


def test_allocate_before_sensitivity_says_what_to_do(open_page: Open) -> None:
    app = open_page("allocate", model=FASHION)
    assert "Measure it first" in text_of(app)
    assert not app.metric


@pytest.fixture
def measured_app(open_page: Open) -> AppTest:
    """The sensitivity page after a small run."""
    app = open_page("sensitivity", model=FASHION)
    assert "Nothing has been measured" in text_of(app)
    app.segmented_control(key="objective-cross_entropy").set_value("kl")
    app.number_input[0].set_value(64).run()
    return press(app, "Measure sensitivity")


def test_sensitivity_run_from_the_page(measured_app: AppTest) -> None:
    assert "66 of 66 cells" in text_of(measured_app)
    job = measured_app.query_params["job"]
    assert (
        ui.engine.engine().store.get(job[0] if isinstance(job, list) else job).state == "finished"
    )


def test_budget_moves_the_allocation_and_measuring_stands_beside_it(
    measured_app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    dial = Dial()
    monkeypatch.setattr("ui.allocation.dial.live_dial", dial)
    app = measured_app.switch_page("pages/allocate.py").run()
    assert not app.exception, app.exception
    loose = dial.loss
    dial.do(app, "released", value=dial.view.unit.low)
    assert dial.costs["average_bits"] == pytest.approx(2.0, abs=0.02)
    assert dial.loss > loose
    app.segmented_control(key="allocate_view").set_value("Measured").run()
    press(app, "held-out images")
    after = metrics(app)
    assert after["Full precision"] == "92.00%"
    assert 0 < float(after["Accuracy"].rstrip("%")) < 92
    row = app.dataframe[0].value.iloc[0]
    assert row["allocation"] == "this budget"
    assert row["images"] == 2000


def test_every_budget_unit_finds_the_same_four_bit_start(
    measured_app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    dial = Dial()
    monkeypatch.setattr("ui.allocation.dial.live_dial", dial)
    app = measured_app.switch_page("pages/allocate.py").run()
    for unit in ("size_bytes", "average_bits", "size_ratio"):
        app.selectbox(key="dial_unit").set_value(unit).run()
        assert not app.exception
        assert dial.costs["average_bits"] == pytest.approx(4.0, abs=0.05)


def test_a_cancelled_run_can_be_resumed(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, measured_app: AppTest
) -> None:
    store = ui.engine.engine().store
    monkeypatch.setattr(ui.engine.engine().runner, "submit", IdleRunner(store).submit)
    measured_app.number_input[0].set_value(80).run()
    press(measured_app, "Measure sensitivity")
    assert any("waiting" in p.proto.text for p in measured_app.get("progress"))
    press(measured_app, "Cancel")
    assert "Stopped at 0 %" in text_of(measured_app)
    assert any(button.label == "Resume" for button in measured_app.button)


def test_a_run_of_one_bit_width_has_one_allocation(open_page: Open) -> None:
    app = open_page("sensitivity", model=FASHION)
    app.get_by_key("sensitivity_bits").set_value([4])
    app.number_input[0].set_value(16).run()
    press(app, "Measure sensitivity")
    app.switch_page("pages/allocate.py").run()
    assert not app.exception, app.exception
    assert app.session_state["dial_shown"].costs["average_bits"] == 4
    assert "Only one configuration is possible" in text_of(app)


def test_a_network_that_cannot_be_opened_is_one_line(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(reference: str, **_: object) -> None:
        raise BadInput("tensor 'x' holds 3 values that are NaN; train the network again")

    monkeypatch.setattr("qcore.prepare.prepare.prepare", broken)
    app = open_page(model=FASHION)
    assert [error.value for error in app.error] == [
        "tensor 'x' holds 3 values that are NaN; train the network again"
    ]
    assert any(button.label == "Try again" for button in app.button)


def test_unknown_network_in_the_address_leads_to_the_samples(open_page: Open) -> None:
    app = open_page(model="../../etc/passwd")
    assert "Start with a sample network" in text_of(app)


def _follow() -> None:
    """A page in little: the sidebar's network, and an undo list that holds one choice."""
    import streamlit as st

    from ui.clipping import can_undo, follow_network

    follow_network(st.session_state["network"])
    st.session_state["undo"] = can_undo()


def test_each_network_keeps_its_clipping() -> None:
    kept = keep_clipping(Clipping(weight="max").with_choice("down.conv", "weight", 0.25))
    app = AppTest.from_function(_follow)
    app.query_params["clipping"] = kept
    app.session_state["network"] = FASHION
    app.session_state["clippings_before"] = [None]
    app.run()
    assert app.session_state["undo"]
    app.session_state["network"] = OTHER
    app.run()
    assert read_clipping(query(app, "clipping")) == Clipping(weight="max")
    assert not app.session_state["undo"]
    app.session_state["network"] = FASHION
    app.run()
    assert query(app, "clipping") == kept
    assert app.session_state["undo"]


def test_the_form_asks_what_the_run_in_view_asked(measured_app: AppTest) -> None:
    app = measured_app
    first = query(app, "job")
    app.segmented_control(key="sensitivity_target").set_value("activation")
    app.number_input[0].set_value(32).run()
    press(app, "Measure sensitivity")
    assert query(app, "job") != first
    app.selectbox(key="run").set_value(first).run()
    assert app.segmented_control(key="sensitivity_target").value == "weight"
    assert app.number_input[0].value == 64


def test_only_missing_uniform_allocations_are_offered(measured_app: AppTest) -> None:
    app = measured_app.switch_page("pages/allocate.py").run()
    app.segmented_control(key="allocate_view").set_value("Measured").run()
    press(app, "Measure the uniform line too")
    assert next(b for b in app.button if "uniform line" in b.label).disabled
    press(app, "held-out images")
    assert "Predicted ΔL" in metrics(app)
    app.selectbox(key="dial_inputs").set_value("4").run()
    press(app, "held-out images")
    assert "Predicted ΔL, weights alone" in metrics(app)
