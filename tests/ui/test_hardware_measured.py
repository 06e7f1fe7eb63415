"""The page Hardware: what was measured here, and how right the models are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import streamlit as st
from allocate_common import press, text_of
from inline_runner import IdleRunner, InlineRunner
from own_hardware_common import FLOAT_MS, INT8_MS, NAMES, measurement, prepared
from streamlit.testing.v1 import AppTest

import ui.engine
from qcore.errors import BadInput
from qcore.hardware.validation import validate
from qcore.jobs import kinds
from qcore.jobs.reporter import Cancelled
from qcore.store.latencies import keep_latency, latency_of
from ui.engine import engine
from ui.figures.measured_latency import measured_latency_figure
from ui.hardware.measured_figures import (
    layer_rows,
    not_run_rows,
    pair_name,
    speed_up,
    timed_layers,
)
from ui.theme import LIGHT

Work = Callable[..., Mapping[str, Any]]


def show_measured(prepared):  # type: ignore[no-untyped-def]  # its source runs by itself
    from ui.hardware.measured import measured_section

    measured_section(prepared)


def show_validation(name):  # type: ignore[no-untyped-def]
    from ui.hardware.validation import validation_section

    validation_section(name)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work | None], AppTest]:
    """The section on a fresh store; jobs do the given work, or never begin."""
    st.cache_resource.clear()

    def show(work: Work | None) -> AppTest:
        monkeypatch.setattr(ui.engine, "JobRunner", IdleRunner if work is None else InlineRunner)
        if work is not None:
            monkeypatch.setitem(kinds.WORK, "latency", work)
        app = AppTest.from_function(show_measured, args=(prepared(),), default_timeout=30).run()
        assert not app.exception, app.exception
        return app

    return show


def kept(job_id: str, question: Mapping[str, Any], *rest: object) -> Mapping[str, Any]:
    """Every repetition takes twice as long as the one before."""
    found = replace(measurement(2.0 ** question["repetition"]), threads=question["threads"] or 2)
    keep_latency(found)
    return found.to_json()


def test_sums_stand_beside_the_whole_network() -> None:
    full, eight, four = measurement().totals
    assert [pair_name(one.pair) for one in (full, eight, four)] == ["float32", "int8", "4/full"]
    assert full.layers_ms == pytest.approx(sum(FLOAT_MS))
    assert full.difference_ms == pytest.approx(3.0 - sum(FLOAT_MS))
    assert full.difference_percent == pytest.approx(100 * (3.0 / 3.5 - 1))
    assert eight.difference_ms == pytest.approx(1.0 - sum(INT8_MS))
    assert (four.layers_ms, four.network, four.difference_percent) == (None, None, None)
    assert four.missing == NAMES[:2]
    assert speed_up(measurement()) == pytest.approx(3.0)
    assert speed_up(replace(measurement(), networks=())) is None


def test_what_does_not_run_is_empty_and_named() -> None:
    rows = layer_rows(measurement(), NAMES)
    assert [row["4/full (ms)"] for row in rows] == [None, None, 0.2]
    assert [row["int8 (ms)"] for row in rows] == list(INT8_MS)
    assert rows[0]["float32, quartiles"] == "0.900 to 1.20"
    (why,) = not_run_rows(measurement())
    assert why == {
        "bits": "4/full",
        "what": "conv1, *conv2*",
        "why": "no kernel for convolutions",
    }


def test_the_figure_has_the_medians_and_quartiles() -> None:
    figure = measured_latency_figure(NAMES, timed_layers(measurement(), NAMES), NAMES[1], LIGHT)
    full, eight, _ = figure.data
    assert list(full.y) == list(FLOAT_MS)
    assert list(full.error_y.array) == pytest.approx([0.2 * ms for ms in FLOAT_MS])
    assert list(eight.error_y.arrayminus) == pytest.approx([0.1 * ms for ms in INT8_MS])
    assert [line[0] for line in eight.customdata] == list(NAMES)
    (band,) = figure.layout.shapes
    assert (band.x0, band.x1) == (0.5, 1.5)  # the focused layer


def test_strange_names_of_layers_are_text() -> None:
    names = ("<b>x</b>", "193", "%{y}")
    layers = [replace(one, layer=names[NAMES.index(one.layer)]) for one in measurement().layers]
    timed = timed_layers(replace(measurement(), layers=tuple(layers)), names)
    figure = measured_latency_figure(names, timed, names[0], LIGHT)
    assert figure.data[0].x[0] == "&lt;b&gt;x&lt;/b&gt;"
    assert [line[0] for line in figure.data[0].customdata] == list(names)
    assert figure.layout.xaxis.type == "category"


def test_before_a_measurement_the_page_says_what_it_would_do(opened: Any) -> None:
    app = opened(None)
    assert "ONNX Runtime runs this network here in float32" in text_of(app)
    press(app, "Measure this machine")
    assert app.button(key="latency-start").disabled
    (job,) = engine().store.jobs("latency")
    app.button(key=f"cancel-{job.id}").click().run()
    assert engine().store.get(job.id).cancel_requested


def test_a_measurement_is_shown_and_can_be_repeated(opened: Any) -> None:
    app = opened(kept)
    app.number_input(key="latency_threads").set_value(3)
    press(app, "Measure this machine")
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown == {
        "Whole network, float32": "3.00 ms",
        "Whole network, int8": "1.00 ms",
        "Speed-up of int8": "3.00 ×",
    }
    said = text_of(app)
    assert "Some \\<b\\>CPU\\</b\\> · 3 threads · 1 image in a batch" in said
    table = next(d.value for d in app.dataframe if "difference" in d.value)
    assert table["difference"].tolist()[:2] == pytest.approx([-0.5, 0.125])
    press(app, "Measure again")
    found = latency_of(prepared().network.fingerprint)
    assert found is not None
    assert found.networks[0].median_ms == pytest.approx(6.0)
    assert [job.question["repetition"] for job in engine().store.jobs("latency")] == [1, 0]


def fails(*_: object) -> Mapping[str, Any]:
    raise BadInput("the network <b> does not open; bring it again")


def stops(*_: object) -> Mapping[str, Any]:
    raise Cancelled


def test_a_failure_and_a_cancel_are_said_and_can_be_tried_again(opened: Any) -> None:
    app = opened(fails)
    press(app, "Measure this machine")
    assert "The network \\<b\\> does not open; bring it again" in text_of(app)
    assert not app.button(key="latency-start").disabled
    kinds.WORK["latency"] = stops
    press(app, "Measure this machine")
    assert "was cancelled" in text_of(app)
    kinds.WORK["latency"] = kept
    press(app, "Measure this machine")
    assert len(app.metric) == 3
    assert len(engine().store.jobs("latency")) == 1


def test_the_panel_of_a_model_has_the_figures_that_are_tested() -> None:
    app = AppTest.from_function(show_validation, args=("bismo-cloud",), default_timeout=30).run()
    assert not app.exception, app.exception
    found = validate("bismo-cloud")
    totals, errors = (frame.value for frame in app.dataframe)
    assert totals["published"].tolist() == [one.published for one in found.totals]
    assert totals["modelled"].tolist() == [one.modelled for one in found.totals]
    assert totals["error"].tolist() == [one.error_percent for one in found.totals]
    assert errors["entries"].tolist() == [3392]
    assert errors["worst"].tolist() == [one.worst_percent for one in found.errors]


@pytest.mark.parametrize("name", ["this-machine", "own:" + "0" * 32])
def test_nothing_is_published_of_what_was_brought_or_measured(name: str) -> None:
    app = AppTest.from_function(show_validation, args=(name,)).run()
    assert not app.exception, app.exception
    assert len(app.info) == 1
    assert not app.dataframe
