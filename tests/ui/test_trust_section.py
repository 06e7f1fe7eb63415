"""The trust check on the sensitivity page."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pytest
from inline_runner import IdleRunner
from streamlit.testing.v1 import AppTest

import ui.engine
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.load import load_network
from qcore.jobs.questions import SensitivityQuestion
from qcore.measure.trust_point import TrustPoint
from qcore.measure.trusted import TrustCheck
from qcore.sensitivity.config import Measure, SensitivityConfig
from qcore.store.job import Job
from qcore.store.store import Store
from ui.figures.trust import frame_of, on_frame, trust_figure
from ui.figures.trust_order import trust_order_figure
from ui.sensitivity import trust
from ui.theme import DARK, LIGHT

Open = Callable[..., AppTest]
FASHION = "sample:fashion-cnn"
RUN = "Run the trust check"


def text_of(app: AppTest) -> str:
    parts = (app.markdown, app.caption, app.info, app.error)
    return "\n".join(str(element.value) for kind in parts for element in kind)


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def press(app: AppTest, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, app.exception


def measured(method: Measure = "projected") -> Job:
    """A finished run of two widths on a few images, in the store of the page."""
    network = load_network(FASHION)
    data = load_data(DataSource(FASHION), network, "calibration")
    ui.engine.prepare_job(FASHION)
    config = SensitivityConfig((2, 4, 8), "kl", 24, method=method)
    fingerprints = network.description.fingerprint, data.fingerprint()
    question = SensitivityQuestion(
        FASHION, fingerprints[0], DataSource(FASHION), fingerprints[1], config
    )
    job = ui.engine.engine().runner.submit(question)
    assert job.state == "finished", job.message
    return job


def _page(run: str) -> None:
    """The section alone, as the page calls it."""
    from ui.engine import engine, prepare_job, prepared
    from ui.results import table_of
    from ui.sensitivity.trust import trust_section

    job = engine().store.get(run)
    known = prepared(prepare_job(job.question["model"]))
    trust_section(known, job, table_of(job, known))


@pytest.fixture
def show(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> Callable[[Job], AppTest]:
    """A function that shows the section of a run, with four configurations."""
    monkeypatch.setattr(trust, "COUNT", 4)
    monkeypatch.setattr(trust.trust_question, "__defaults__", (4, 0))

    def shown(job: Job) -> AppTest:
        app = AppTest.from_function(_page, args=(job.id,), default_timeout=90).run()
        assert not app.exception, app.exception
        return app

    return shown


def test_from_the_button_to_the_chart(show: Callable[[Job], AppTest]) -> None:
    job = measured()
    app = show(job)
    assert "How far can this table be trusted" in text_of(app)
    assert "5 forward passes over 24 images: about" in text_of(app)
    assert not app.get("plotly_chart")
    press(app, RUN)
    text = text_of(app)
    assert "**Sum of ΔL**: Median error" in text
    assert "**With interactions**: Median error" in text
    assert "4 configurations of random bits" in text
    assert "Measured on the 24 images of the table" in text
    assert "so far" not in text
    assert len(app.get("plotly_chart")) == 1
    assert RUN not in labels(app)
    again = show(job)  # from disk at once
    assert text_of(again) == text
    (known,) = ui.engine.engine().store.jobs("trust")
    assert known.state == "finished"
    other = show(measured("exact"))  # the same points, another table
    assert "**Sum of ΔL**" in text_of(other)
    assert "With interactions" not in text_of(other)


def test_a_unit_that_is_not_the_loss(show: Callable[[Job], AppTest]) -> None:
    app = show(measured("noise"))
    assert "is not the loss" in text_of(app)
    press(app, RUN)
    assert "This measure is not the loss: the order is" in text_of(app)
    assert "Median error" not in text_of(app)
    assert "factor of two" not in text_of(app)
    assert len(app.get("plotly_chart")) == 1


def test_another_measure_is_drawn_for_its_order_alone() -> None:
    check = replace(CHECK, same_unit=False, quantity="Ω", points=(*CHECK.points, BELOW))
    figure = trust_order_figure(check, LIGHT)
    (dots,) = figure.data  # neither a diagonal nor a band
    assert not figure.layout.shapes
    assert [axis.title.text for axis in (figure.layout.xaxis, figure.layout.yaxis)] == [
        "measured ΔL (nats)",
        "sum of Ω over layers",
    ]
    for shown, values in (
        (dots.x, [p.measured for p in check.points]),
        (dots.y, [p.additive for p in check.points]),
    ):
        assert list(np.argsort(shown)) == list(np.argsort(values))
    assert (np.asarray(dots.error_x.array) > 0).all()
    assert "sum of Ω: +0.002" in dots.hovertext[0]
    assert "×" not in dots.hovertext[0]


def test_a_check_that_waits_and_is_stopped(
    show: Callable[[Job], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = measured()
    engine = ui.engine.engine()
    submit = engine.runner.submit
    monkeypatch.setattr(engine.runner, "submit", IdleRunner(engine.store).submit)
    app = show(job)
    press(app, RUN)
    assert any("waiting" in bar.proto.text for bar in app.get("progress"))
    assert "No configuration has been measured yet" in text_of(app)
    press(app, "Cancel")
    app = show(job)
    assert "The check was stopped" in text_of(app)
    monkeypatch.setattr(engine.runner, "submit", submit)
    press(app, "Go on with the check")
    assert "Median error" in text_of(app)


def test_what_is_measured_so_far_is_drawn(
    show: Callable[[Job], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, put = measured(), Store.put_arrays

    def failing(self: Store, key: str, found: dict[str, bytes]) -> None:
        if any("0002" in name.split("|")[-1] for name in found):
            raise OSError("the disk is full")
        put(self, key, found)

    app = show(job)
    monkeypatch.setattr(Store, "put_arrays", failing)
    press(app, RUN)
    assert "the disk is full" in text_of(app)
    assert "2 configurations of random bits" in text_of(app)
    assert "Errors are put into words once 6" in text_of(app)
    assert len(app.get("plotly_chart")) == 1


def test_a_table_with_holes(
    show: Callable[[Job], AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = measured()
    monkeypatch.setattr(trust.SensitivityTable, "covered", property(lambda table: False))
    assert "33 of 33 cells have a value" in text_of(show(job))


def point(measured: float, additive: float, interacting: float | None) -> TrustPoint:
    low, high = measured - abs(measured) / 2, measured + abs(measured) / 2
    return TrustPoint((2, 4, 4), None, 3.4, measured, low, high, 9, additive, interacting)


CHECK = TrustCheck(
    "nats",
    True,
    1.5,
    (point(0.001, 0.002, 0.0012), point(0.1, 0.08, 0.1), point(2.0, 3.0, 2.5)),
)


BELOW = point(-0.01, 1e-5, None)


def marks(figure: go.Figure) -> dict[str, go.Scatter]:
    return {trace.name: trace for trace in figure.data if trace.name}


def words(figure: go.Figure) -> list[str]:
    return [annotation.text.strip() for annotation in figure.layout.annotations]


def test_the_figure_is_predicted_against_measured() -> None:
    figure = trust_figure(CHECK, LIGHT)
    found = marks(figure)
    assert list(found) == ["Sum of ΔL", "With interactions"]
    for name, values in (
        ("Sum of ΔL", (0.002, 0.08, 3.0)),
        ("With interactions", (0.0012, 0.1, 2.5)),
    ):
        assert list(found[name].x) == [0.001, 0.1, 2.0]
        assert list(found[name].y) == list(values)
    assert set(found["Sum of ΔL"].marker.symbol) == {"circle"}
    assert set(found["With interactions"].marker.symbol) == {"circle-open"}
    assert found["Sum of ΔL"].marker.color != found["With interactions"].marker.color
    axes = figure.layout.xaxis, figure.layout.yaxis
    assert axes[0].range == axes[1].range
    assert {axis.type for axis in axes} == {"log"}
    band = figure.data[0]
    assert np.ptp(np.log2(np.divide(band.y, band.x))) == pytest.approx(2)
    assert set(words(figure)) == {
        "Sum of ΔL",
        "With interactions",
        "2 × too high",
        "2 × too low",
        "little left to lose",
    }
    (line,) = figure.layout.shapes
    assert line.x0 == 1.5
    hover = found["Sum of ΔL"].hovertext[0]
    assert "3.40 bits on average" in hover
    assert "layers: 1 at 2, 2 at 4" in hover
    assert "(2.00 ×)" in hover
    assert on_frame(CHECK) == 0


def test_a_short_axis_has_ticks_between_the_powers_of_ten() -> None:
    near = replace(CHECK, points=(point(2.0, 3.0, 2.5), point(4.0, 5.0, 4.5)))
    axis = trust_figure(near, LIGHT).layout.xaxis
    low, high = (10**end for end in axis.range)
    assert [text for at, text in zip(axis.tickvals, axis.ticktext, strict=True)
            if low <= at <= high] == ["2", "5"]  # fmt: skip


def test_a_table_without_interactions_has_one_series() -> None:
    points = tuple(replace(p, interacting=None) for p in CHECK.points)
    figure = trust_figure(replace(CHECK, points=points, saturation=None), DARK)
    assert list(marks(figure)) == ["Sum of ΔL"]
    assert "With interactions" not in words(figure)
    assert not figure.layout.shapes


def test_values_at_zero_or_below_stand_on_the_frame() -> None:
    hard = (
        point(-0.01, 0.02, 0.03),
        point(0.1, -0.5, 0.0),
        point(0.0, 0.0, 0.0),
        point(1, 1e-9, 1),
    )
    check = replace(CHECK, points=(*CHECK.points, *hard))
    figure, frame = trust_figure(check, LIGHT), frame_of(check)
    assert on_frame(check) == 4
    for trace in marks(figure).values():
        assert min(*trace.x, *trace.y) >= frame.low > 0
    symbols = marks(figure)["Sum of ΔL"].marker.symbol
    assert list(symbols[3:]) == ["triangle-left", "triangle-down", "triangle-left", "triangle-down"]
    assert frame.high / frame.low < 10**8
    everywhere = [v for trace in figure.data for v in (*trace.x, *trace.y) if v is not None]
    assert all(v > 0 and math.isfinite(v) for v in everywhere)


def test_no_value_above_zero_can_be_drawn() -> None:
    nothing = replace(CHECK, points=(point(0.0, 0.0, None), point(-1.0, -1.0, None)))
    assert on_frame(nothing) == 2
    figure = trust_figure(nothing, LIGHT)
    assert set(marks(figure)["Sum of ΔL"].marker.symbol) == {"triangle-left"}
