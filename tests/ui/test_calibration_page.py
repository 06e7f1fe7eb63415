"""The calibration page: thresholds of methods and by hand, their choice, and their true cost."""

from __future__ import annotations

import html
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import streamlit as st
from hypothesis import given
from hypothesis import strategies as some
from inline_runner import IdleRunner, InlineRunner
from streamlit.testing.v1 import AppTest

import ui.calibration.panel
import ui.engine
from qcore.calibrate.calibration import LayerCalibration
from qcore.calibrate.clipping import Clipping, Override
from qcore.calibrate.histogram import no_values
from qcore.cli.main import main
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.load import load_network
from qcore.samples import SAMPLES
from qcore.store.clippings import keep_clipping, read_clipping
from ui.calibration.search import divergence_at
from ui.components.live_histogram import DivergenceCurve, LiveHistogram, Released
from ui.figures.calibration import LayerMark, stability_figure, thresholds_figure
from ui.theme import DARK, LIGHT

Open = Callable[..., AppTest]
FASHION = "sample:fashion-cnn"


@dataclass
class Fake:
    """The live histogram's stand-in: two fields and a button that lets go there."""

    views: list[LiveHistogram] = field(default_factory=list)

    def __call__(
        self, view: LiveHistogram, key: str, alt: str, palette: object, on_release: Any
    ) -> None:
        assert "__" not in key
        assert alt.strip()
        self.views.append(view)

        def release() -> None:
            by_hand = st.session_state["hand"]
            on_release(Released(st.session_state["hand_bits"], by_hand or None))

        st.number_input("hand", value=0.0, key="hand")
        st.number_input("hand bits", value=view.bits, key="hand_bits")
        st.button("release", on_click=release)


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    stand_in = Fake()
    monkeypatch.setattr(ui.calibration.panel, "live_histogram", stand_in)
    return stand_in


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store in which the sample has been opened and calibrated, once there is one."""
    return tmp_path_factory.mktemp("template") / "home"


@pytest.fixture
def open_known(open_page: Open, template: Path, store_home: Path) -> Open:
    """``open_page`` on a store of the test's own that knows the histograms already."""

    def open_app(page: str | None = None, **query: str) -> AppTest:
        if not template.exists():
            open_page("calibration", model=FASHION)
            shutil.copytree(store_home, template)
        shutil.copytree(template, store_home, dirs_exist_ok=True)
        return open_page(page, **query)

    return open_app


def text_of(app: AppTest) -> str:
    parts = (app.markdown, app.caption, app.info, app.error, app.title, app.subheader)
    return "\n".join(str(element.value) for kind in parts for element in kind)


def button(app: AppTest, label: str) -> Any:
    return next(b for b in app.button if label in b.label)


def press(app: AppTest, label: str) -> AppTest:
    button(app, label).click().run()
    assert not app.exception, app.exception
    return app


def release(app: AppTest, bits: int, threshold: float | None) -> AppTest:
    app.number_input(key="hand").set_value(threshold or 0.0)
    app.number_input(key="hand_bits").set_value(bits)
    return press(app, "release")


def tables(app: AppTest) -> tuple[Any, Any]:
    """Methods of the focused layer, and all layers."""
    methods, layers = (frame.value for frame in app.dataframe)
    return methods.set_index("method"), layers.set_index("layer")


def chosen(app: AppTest) -> Clipping:
    given = app.query_params.get("clipping")
    if given is None:
        return Clipping()
    found = read_clipping(given[0] if isinstance(given, list) else given)
    assert found is not None
    return found


def test_without_a_network_it_says_what_it_shows(open_page: Open) -> None:
    app = open_page("calibration")
    assert "Start with a sample network" in text_of(app)
    assert len([b for b in app.button if b.label.startswith("Open ")]) == len(SAMPLES)


def test_what_enters_the_layers_is_what_the_images_are(open_known: Open, fake: Fake) -> None:
    app = open_known("calibration", model=FASHION)
    _, layers = tables(app)
    network = load_network(FASHION)
    how = network.preprocessing
    assert how is not None
    pixels = load_data(DataSource(FASHION), network, "calibration").images.numpy()
    images = (pixels.astype(np.float32) / 255 - how.mean[0]) / how.std[0]
    assert list(layers.index) == [layer.name for layer in network.description.layers]
    first = layers.iloc[0]
    assert first["low"] == pytest.approx(float(images.min()))
    assert first["high"] == first["max"] == pytest.approx(float(images.max()))
    view = fake.views[-1]
    assert view.counts.sum() + view.zeros == images.size
    assert view.low == -view.bin_width * (len(view.counts) // 2)
    below = int(view.counts[: len(view.counts) // 2].sum())
    assert below == (images < 0).sum()
    assert set(view.thresholds) == set(range(2, 9)) == set(view.curves or {})
    assert (view.scheme, view.log, view.bits) == ("affine", True, 4)
    assert [line.label for line in view.lines] == ["max", "percentile 99.99", "entropy", "mse"]
    assert len({line.color for line in view.lines}) == 4
    assert "1,000 calibration images" in text_of(app)


def test_weights_have_thresholds_but_no_halves(open_known: Open, fake: Fake) -> None:
    app = open_known("calibration", model=FASHION, target="Weights", layer="down.conv")
    _, layers = tables(app)
    assert "unstable" not in layers.columns
    network = load_network(FASHION)
    for layer in network.description.layers:
        weights = network.weight(layer).numpy()
        assert layers.loc[layer.name, "max"] == np.abs(weights).max()
        assert layers.loc[layer.name, "low"] == weights.min()
    assert fake.views[-1].scheme == "symmetric"
    assert fake.views[-1].counts.sum() + fake.views[-1].zeros == 3456
    assert "each kernel its own threshold" in text_of(app)


def test_the_method_for_all_is_in_the_address_and_can_be_undone(open_known: Open) -> None:
    app = open_known("calibration", model=FASHION)
    assert app.number_input(key="clip_percentile").disabled
    app.selectbox(key="clip_method-activation").set_value("percentile").run()
    assert not app.exception, app.exception
    assert chosen(app) == Clipping(activation="percentile")
    _, layers = tables(app)
    assert (layers["threshold"] == layers["percentile"]).all()
    assert not app.number_input(key="clip_percentile").disabled
    app.number_input(key="clip_percentile").set_value(99.0).run()
    assert chosen(app) == Clipping(activation="percentile", activation_percentile=99.0)
    _, at_99 = tables(app)
    assert (at_99["percentile"] < layers["percentile"]).any()
    assert (at_99["percentile"] <= layers["percentile"]).all()
    press(app, "Undo")
    press(app, "Undo")
    assert chosen(app) == Clipping()
    assert app.selectbox(key="clip_method-activation").value == "mse"
    assert button(app, "Undo").disabled


def test_one_layer_alone_and_back(open_known: Open) -> None:
    app = open_known("calibration", model=FASHION, layer="head")
    key = "layer_method-activation-head"
    app.selectbox(key=key).set_value("max").run()
    assert chosen(app).overrides == (Override("head", "activation", "max"),)
    _, layers = tables(app)
    assert layers.loc["head", "threshold"] == layers.loc["head", "max"]
    assert layers.loc["head", "clipped"] == 0
    others = layers.drop(index="head")
    assert (others["threshold"] == others["mse"]).all()
    press(app, "All layers the same (1)")
    assert chosen(app) == Clipping()
    assert app.selectbox(key=key).value == "as all layers"


def test_letting_go_measures_there_and_can_be_kept(open_known: Open, fake: Fake) -> None:
    app = open_known("calibration", model=FASHION, layer="head")
    assert "has not been measured at this threshold" in text_of(app)
    assert button(app, "Clip this layer").disabled
    release(app, 3, 0.01)  # clips nearly everything: this must cost
    assert app.query_params["threshold_bits"] in ("3", ["3"])
    assert "input at 3 bits: **+" in text_of(app)
    assert "on 256 images, measured in" in text_of(app)
    methods, _ = tables(app)
    assert methods.loc["by hand · in view", "clipped"] > 90
    assert methods.loc["by hand · in view", "loss"].startswith("+")
    assert fake.views[-1].thresholds == dict.fromkeys(range(2, 9), 0.01)
    assert chosen(app) == Clipping()  # looked at, not chosen

    press(app, "Clip this layer at 0.01")
    assert chosen(app).overrides == (Override("head", "activation", 0.01),)
    methods, layers = tables(app)
    assert layers.loc["head", "chosen"] == "by hand"
    assert layers.loc["head", "threshold"] == 0.01
    assert button(app, "Clip this layer").disabled


def test_what_was_dragged_belongs_to_one_layer_and_can_be_left(
    open_known: Open, fake: Fake
) -> None:
    app = release(open_known("calibration", model=FASHION, layer="head"), 4, 0.5)
    app.session_state["layer"] = "down.conv"
    app.run()
    assert 0.5 not in fake.views[-1].thresholds.values()
    app.session_state["layer"] = "head"
    app.run()
    assert fake.views[-1].thresholds[4] == 0.5
    press(app, "Undo the drag")
    methods, _ = tables(app)
    assert fake.views[-1].thresholds[4] == methods.loc["mse · in view", "threshold"]


def test_all_four_methods_are_measured_at_a_press(open_known: Open) -> None:
    app = open_known("calibration", model=FASHION, layer="head", threshold_bits="2")
    press(app, "Measure ΔL of all")
    methods, _ = tables(app)
    assert len(methods) == 4
    assert methods["loss"].ne("").all()
    assert methods["interval"].str.contains(" to ").all()
    assert button(app, "Measure ΔL of all").disabled
    jobs = ui.engine.engine().store.jobs("layer_loss")
    asked = sorted(job.question["choice"] for job in jobs)
    assert asked == pytest.approx(sorted(methods["threshold"]), rel=1e-8)


def test_a_threshold_that_was_measured_is_known_when_it_is_chosen_by_hand(
    open_known: Open, fake: Fake
) -> None:
    app = press(open_known("calibration", model=FASHION, layer="head"), "Measure ΔL")
    (job,) = ui.engine.engine().store.jobs("layer_loss")
    methods, _ = tables(app)
    measured = methods.loc["mse · in view", "loss"]
    app.selectbox(key="layer_method-activation-head").set_value("by hand").run()
    methods, _ = tables(app)
    assert methods.loc["by hand · in view", "loss"] == methods.loc["mse", "loss"] == measured != ""
    release(app, 4, methods.loc["mse", "threshold"])
    assert ui.engine.engine().store.jobs("layer_loss") == [job]


def test_kernels_that_find_their_own_threshold_are_asked_for_by_name(open_known: Open) -> None:
    app = open_known("calibration", model=FASHION, layer="head", target="Weights")
    press(app, "Measure ΔL of all")
    jobs = ui.engine.engine().store.jobs("layer_loss")
    asked = [job.question["choice"] for job in jobs]
    assert {one for one in asked if isinstance(one, str)} == {"max", "mse"}
    methods, _ = tables(app)
    others = {methods.loc[m, "threshold"] for m in methods.index if m[0] in "pe"}
    assert {x for x in asked if isinstance(x, float)} == {float(f"{x:.9g}") for x in others}


def test_a_reload_keeps_what_was_dragged(open_known: Open, fake: Fake) -> None:
    app = release(open_known("calibration", model=FASHION, layer="head"), 4, 0.123456789012)
    assert app.query_params["by_hand"] in ("0.123456789", ["0.123456789"])
    open_known("calibration", model=FASHION, layer="head", by_hand="0.123456789")
    assert fake.views[-1].thresholds == dict.fromkeys(range(2, 9), 0.123456789)
    app.session_state["layer"] = "down.conv"
    app.run()
    assert "by_hand" not in app.query_params
    for nonsense in ("", "-1", "nan", "inf", "1e99", "<b>"):
        app = open_known("calibration", model=FASHION, layer="head", by_hand=nonsense)
        methods, _ = tables(app)
        assert fake.views[-1].thresholds[4] == methods.loc["mse · in view", "threshold"]
        assert "by_hand" not in app.query_params


def test_entropy_that_clips_much_is_marked(open_known: Open, fake: Fake) -> None:
    app = open_known("calibration", model=FASHION, threshold_bits="2")
    methods, _ = tables(app)
    (entropy,) = (name for name in methods.index if name.startswith("entropy"))
    share = methods.loc[entropy, "clipped"]
    assert share > 10
    assert entropy == f"entropy · clips {share:.3g} %"
    line = fake.views[-1].lines[2]
    assert f"{line.label} · {line.notes[2]}" == entropy
    assert f"At 2 bits entropy clips {share:.3g} % of these values" in text_of(app)


def test_a_second_release_drops_the_first(
    open_known: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_known("calibration", model=FASHION, layer="head")
    engine = ui.engine.engine()
    idle = IdleRunner(engine.store)

    def submit(question: Any) -> Any:
        runner = idle if question.kind == "layer_loss" else InlineRunner(engine.store)
        return runner.submit(question)

    monkeypatch.setattr(engine.runner, "submit", submit)
    release(app, 4, 0.5)
    assert any("waiting" in p.proto.text for p in app.get("progress"))
    release(app, 4, 0.75)
    states = {j.question["choice"]: j.state for j in engine.store.jobs("layer_loss")}
    assert states == {0.5: "cancelled", 0.75: "queued"}
    press(app, "Cancel")
    assert "the measurement was stopped" in text_of(app)

    press(app, "Measure ΔL of all")
    methods, _ = tables(app)
    assert list(methods["loss"]) == ["…"] * 5
    press(app, "Cancel")  # the one in view
    press(app, "Cancel")  # the others
    assert {job.state for job in engine.store.jobs("layer_loss")} == {"cancelled"}
    assert not button(app, "Measure ΔL of all").disabled


def test_calibration_that_was_cancelled_can_be_tried_again(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page(model=FASHION)
    engine = ui.engine.engine()
    monkeypatch.setattr(engine.runner, "submit", IdleRunner(engine.store).submit)
    app.switch_page("pages/calibration.py").run()
    assert any("waiting" in p.proto.text for p in app.get("progress"))
    press(app, "Cancel")
    assert "was cancelled" in text_of(app)
    app.run()
    assert len(engine.store.jobs("calibrate")) == 1
    assert engine.store.jobs("calibrate")[0].state == "cancelled"  # reruns do not ask again
    press(app, "Try again")
    assert engine.store.jobs("calibrate")[0].state == "queued"


@pytest.mark.parametrize("harm", ["removed", "damaged"])
def test_a_file_that_is_gone_is_made_again(open_known: Open, store_home: Path, harm: str) -> None:
    app = open_known("calibration", model=FASHION)
    before, _ = tables(app)
    (path,) = (store_home / "calibrations").glob("*.safetensors")
    whole = path.read_bytes()
    path.unlink()
    if harm == "damaged":
        path.write_bytes(whole[: len(whole) // 2])
    st.cache_data.clear()
    app.run()
    assert not app.exception, app.exception
    assert path.read_bytes() == whole
    after, _ = tables(app)
    assert after.equals(before)


@pytest.mark.parametrize(
    "query",
    [
        {"threshold_bits": "99", "target": "<b>", "clipping": "../../etc/passwd"},
        {"threshold_bits": "", "target": "", "clipping": "0" * 32},
    ],
)
def test_nonsense_in_the_address_is_the_default(open_known: Open, query: dict[str, str]) -> None:
    app = open_known("calibration", model=FASHION, **query)
    assert "All layers: inputs at 4 bits" in text_of(app)
    assert app.get_by_key("threshold_bits").value == 4
    assert app.selectbox(key="clip_method-activation").value == "mse"


def test_a_link_with_a_choice_opens_with_it(open_known: Open, store_home: Path) -> None:
    store_home.mkdir(exist_ok=True)
    clipping = Clipping("max", "percentile", activation_percentile=99.5).with_choice(
        "head", "activation", 1.25
    )
    name = keep_clipping(clipping)
    app = open_known("calibration", model=FASHION, layer="head", clipping=name, threshold_bits="6")
    assert app.selectbox(key="clip_method-activation").value == "percentile"
    assert app.number_input(key="clip_percentile").value == 99.5
    assert app.selectbox(key="layer_method-activation-head").value == "by hand"
    methods, layers = tables(app)
    assert methods.loc["by hand · in view", "threshold"] == 1.25
    assert layers.loc["head", "threshold"] == 1.25
    assert "--bits 6 --method percentile --target activation --percentile 99.5" in text_of(app)


def test_a_layer_that_only_zeros_enter_has_nothing_to_clip(
    open_known: Open, monkeypatch: pytest.MonkeyPatch, fake: Fake
) -> None:
    def zeros(_: object, name: str) -> LayerCalibration:
        return LayerCalibration(name, no_values(), no_values(), no_values())

    monkeypatch.setattr("ui.calibration.source.read_layer_calibration", zeros)
    app = open_known("calibration", model=FASHION)
    assert "Only zeros were seen here" in text_of(app)
    assert fake.views == []


@given(
    some.lists(some.floats(0, 9) | some.just(float("inf")), min_size=1, max_size=30),
    some.integers(1, 40),
    some.floats(0.01, 60),
)
def test_divergence_is_that_of_the_first_candidate_that_keeps_the_threshold(
    values: list[float], first: int, threshold: float
) -> None:
    edges = [first + place for place in range(len(values))]
    curve = DivergenceCurve(np.array(edges, float), np.array(values))
    keeping = [v for edge, v in zip(edges, values, strict=True) if edge >= threshold * (1 - 1e-6)]
    truth = None if threshold < first * (1 - 1e-6) else (keeping or values[-1:])[0]
    assert divergence_at(curve, threshold) == truth


HOSTILE = ("<b>x</b>", "%{y}<extra>", "dead", "193")


def marks() -> tuple[LayerMark, ...]:
    thresholds = {"max": 4.0, "percentile": 3.0, "entropy": 2.0, "mse": 1.0}
    made = [LayerMark(name, 4.0, thresholds, 2.0, 0.25) for name in HOSTILE]
    made[2] = LayerMark("dead", 0.0, dict.fromkeys(thresholds, 0.0), 0.0, None)
    return tuple(made)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_marks_stand_at_their_share_under_names_that_are_text(palette: Any) -> None:
    figure = thresholds_figure(marks(), 99.9, HOSTILE[1], palette)
    by_name = {trace.name: trace for trace in figure.data if trace.name}
    shares = {name: set(trace.y) for name, trace in by_name.items()}
    assert shares == {
        "max": {100},
        "percentile 99.9": {75},
        "entropy": {50},
        "mse": {25},
        "chosen": {50},
    }
    for trace in by_name.values():
        assert list(trace.x) == [0, 1, 3]  # nothing enters the third layer
        assert [entry[0] for entry in trace.customdata] == [HOSTILE[i] for i in (0, 1, 3)]
        assert not any(name in text for text in trace.hovertext for name in HOSTILE[:2])
    assert [html.unescape(text) for text in figure.layout.xaxis.ticktext] == list(HOSTILE)
    band = figure.layout.shapes[0]
    assert (band.x0 + band.x1) / 2 == 1

    many = tuple(LayerMark(f"layer {i}", 1.0, {}, 1.0, 0.5) for i in range(50))
    axis = stability_figure(many, "layer 7", palette).layout.xaxis
    assert 10 <= len(axis.tickvals) <= 16
    assert [int(text) - 1 for text in axis.ticktext] == list(axis.tickvals)

    stability = stability_figure(marks(), HOSTILE[1], palette)
    assert list(stability.data[0].y) == [25, 25, 25]
    assert list(stability.data[0].customdata) == [HOSTILE[i] for i in (0, 1, 3)]


def test_downloads_are_what_the_command_line_writes(
    open_known: Open, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    files: dict[str, str] = {}

    def keep(label: str, text: str, file_name: str, key: str) -> None:
        files[file_name] = text

    monkeypatch.setattr("ui.calibration.table.download", keep)
    open_known("calibration", model=FASHION, threshold_bits="3")
    words = ["thresholds", FASHION, FASHION, "--bits", "3", "--method", "mse"]
    main([*words, "--target", "activation", "--json", str(tmp_path / "cli.json")])
    written = json.loads((tmp_path / "cli.json").read_text())
    page = json.loads(files["fashion-cnn-activation-thresholds-3bits.json"])
    assert page["images"] == written["images"] == 1000
    assert page["model"] == written["model"]
    assert len(page["layers"]) == 11
    for ours, theirs in zip(page["layers"], written["layers"], strict=True):
        assert {"name", "target", "method", "bits", "threshold", "amax"} <= set(ours)
        assert ours == {key: theirs[key] for key in ours}
    lines = files["fashion-cnn-activation-thresholds-3bits.csv"].splitlines()
    assert len(lines) == 12
    assert lines[0].startswith("layer,chosen,threshold,clipped,sqnr,unstable,low,high,")
