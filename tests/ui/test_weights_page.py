"""What a visitor meets on the page Weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import streamlit as st
from inline_runner import IdleRunner
from streamlit.testing.v1 import AppTest

import ui.engine
import ui.weights.grids
import ui.weights.panel
from qcore.calibrate.clipping import Override
from qcore.graph.network import Network
from qcore.prepare.prepare import write_weights
from qcore.prepare.prepared import Prepared, read_layer
from qcore.quantize.grid import Grid, rounding_error, symmetric_grid
from qcore.quantize.limits import GRID_BITS
from qcore.quantize.quantizer_texts import QUANTIZER_TEXTS
from qcore.store.clippings import read_clipping
from qcore.store.home import home
from ui.components.live_histogram import LiveHistogram, Released

Open = Callable[..., AppTest]
FASHION = "sample:fashion-cnn"
LAYER = "down.conv"


class Panel:
    """Stands in for the panel in the browser: what it was given last, and a button to release."""

    def __init__(self) -> None:
        self.view: LiveHistogram | None = None
        self.released = Released(4, None)

    def __call__(
        self,
        view: LiveHistogram,
        key: str,
        alt: str,
        palette: object,
        on_release: Callable[[Released], None],
    ) -> None:
        self.view = view
        st.button("release", on_click=lambda: on_release(self.released))

    @property
    def shown(self) -> LiveHistogram:
        assert self.view is not None
        return self.view

    def release(self, app: AppTest, bits: int, threshold: float | None) -> None:
        self.released = Released(bits, threshold)
        press(app, "release")


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Panel:
    stand_in = Panel()
    monkeypatch.setattr(ui.weights.panel, "live_histogram", stand_in)
    return stand_in


def text_of(app: AppTest) -> str:
    parts = (app.markdown, app.caption, app.info, app.error, app.title, app.subheader)
    return "\n".join(str(element.value) for kind in parts for element in kind)


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def button(app: AppTest, label: str) -> AppTest:
    return next(one for one in app.button if label in one.label)


def press(app: AppTest, label: str) -> None:
    button(app, label).click().run()
    assert not app.exception, app.exception


def choose(app: AppTest, quantizer: str) -> None:
    app.selectbox(key="quantizer").set_value(quantizer).run()
    assert not app.exception, app.exception


def opened() -> Prepared:
    return ui.engine.prepared(ui.engine.prepare_job(FASHION))


def rows_of(layer: str) -> np.ndarray:
    return read_layer(opened().weights_path, layer).astype(np.float64)


def _best_threshold(row: np.ndarray) -> float:
    """Of least squared error at 4 bits, by trying 200."""
    tried = np.abs(row).max() * np.linspace(0.3, 1, 200)
    errors = [rounding_error(row, symmetric_grid(one, 4)).mean_squared for one in tried]
    return float(tried[np.argmin(errors)])


def query(app: AppTest, name: str) -> str | None:
    value = app.query_params.get(name)
    return value[0] if isinstance(value, list) else value


def test_layer_then_kernel(open_page: Open, panel: Panel) -> None:
    app = open_page("weights", model=FASHION, layer=LAYER, grid_bits="3")
    assert metrics(app)["Weights"] == "3,456"
    assert panel.shown.bits == 3
    assert panel.shown.counts.sum() + panel.shown.zeros == 3456
    app.selectbox(key="kernel").set_value("5").run()
    assert not app.exception
    assert metrics(app)["Weights"] == "144"
    assert r"kernel 5 of down\.conv" in text_of(app)
    assert panel.shown.counts.sum() + panel.shown.zeros == 144
    assert panel.shown.seen == (rows_of(LAYER)[5].min(), rows_of(LAYER)[5].max())


def test_panel_and_tile_say_what_the_weights_say(open_page: Open, panel: Panel) -> None:
    app = open_page("weights", model=FASHION, layer=LAYER)
    rows, shown = rows_of(LAYER), panel.shown
    mse = {line.label: line.thresholds for line in shown.lines}["mse"]
    assert shown.thresholds == pytest.approx(mse)
    errors = [rounding_error(rows, symmetric_grid(mse[b], b)).mean_squared for b in GRID_BITS]
    for factor in (0.9, 1.1):  # least squared error: worse on both sides
        for bits, error in zip(GRID_BITS, errors, strict=True):
            moved = symmetric_grid(factor * mse[bits], bits)
            assert rounding_error(rows, moved).mean_squared > error
    assert metrics(app)["Largest magnitude"] == f"{np.abs(rows).max():.4g}"
    median = np.median(np.abs(rows).max(axis=1))
    assert metrics(app)["Widest kernel"] == f"{np.abs(rows).max() / median:.2f} × median"
    kernels = float(metrics(app)["SQNR, one scale a kernel"].split()[0])
    whole = rounding_error(rows, symmetric_grid(mse[4], 4)).sqnr_db
    assert whole is not None
    noise = [
        rounding_error(row, symmetric_grid(_best_threshold(row), 4)).mean_squared for row in rows
    ]
    assert kernels == pytest.approx(10 * np.log10((rows**2).mean() / np.mean(noise)), abs=0.11)
    assert kernels > whole


def test_list_has_every_layer_with_its_shape(open_page: Open, panel: Panel) -> None:
    app = open_page("weights", model=FASHION, layer=LAYER, grid_bits="8")
    table = app.dataframe[0].value
    assert list(table["layer"]) == [layer.name for layer in opened().network.layers]
    assert table["count"].sum() == 78_816
    assert (table["SQNR"] > 35).all()
    assert (table["outlier"] >= 1).all()
    assert all(len(line) == 33 and max(line) > 0 for line in table["weights"])


def test_the_focused_layer_is_the_selected_row(open_page: Open, panel: Panel) -> None:
    app = open_page("weights", model=FASHION, layer=LAYER)
    names = [layer.name for layer in opened().network.layers]
    for name in (LAYER, "head"):
        app.session_state["layer"] = name
        app.run()
        rows = app.session_state["weights-layers"]["selection"]["rows"]
        assert [names[row] for row in rows] == [name]


def test_kernel_of_a_wide_layer_is_dropped_where_the_next_layer_is_narrower(
    open_page: Open, panel: Panel
) -> None:
    app = open_page("weights", model=FASHION, layer="separable2.pointwise", kernel="90")
    assert metrics(app)["Weights"] == "56"
    app.session_state["layer"] = "stem.conv"
    app.run()
    assert not app.exception
    assert metrics(app)["Weights"] == "144"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("kernel", value) for value in ("1e400", "-3", "3.5", "<b>", "99999")),
        *(("grid_bits", value) for value in ("9", "1", "4.0", "<b>", "")),
        *(("quantizer", value) for value in ("none", "<b>", "__class__")),
    ],
)
def test_what_is_none_in_the_address_shows_the_default(
    open_page: Open, panel: Panel, name: str, value: str
) -> None:
    app = open_page("weights", model=FASHION, layer="stem.conv", **{name: value})
    assert metrics(app)["Weights"] == "144"
    assert (panel.shown.bits, panel.shown.scheme) == (4, "symmetric")


def test_bits_that_were_dragged_are_in_the_address(open_page: Open, panel: Panel) -> None:
    app = open_page("weights", model=FASHION, layer=LAYER)
    panel.release(app, 6, None)
    assert query(app, "grid_bits") == "6"
    assert panel.shown.bits == 6
    assert not any("Clip this layer at" in one.label for one in app.button)


def test_a_dragged_threshold_can_be_chosen_and_given_back(open_page: Open, panel: Panel) -> None:
    app = open_page("weights", model=FASHION, layer=LAYER)
    assert button(app, "Clip this layer here").disabled
    before = panel.shown.thresholds
    panel.release(app, 4, 0.25)
    assert set(panel.shown.thresholds.values()) == {0.25}
    press(app, "Clip this layer at 0.25")
    kept = read_clipping(str(query(app, "clipping")))
    assert kept is not None
    assert kept.overrides == (Override(LAYER, "weight", 0.25),)
    assert "Clipped now: 0.25, by hand." in text_of(app)
    assert set(panel.shown.thresholds.values()) == {0.25}
    press(app, "Back to the default")
    assert query(app, "clipping") is None
    assert panel.shown.thresholds == before
    assert "as all layers" in text_of(app)


def test_a_drag_belongs_to_its_layer_and_kernel(open_page: Open, panel: Panel) -> None:
    app = open_page("weights", model=FASHION, layer=LAYER)
    panel.release(app, 4, 0.25)
    app.selectbox(key="kernel").set_value("5").run()
    assert 0.25 not in panel.shown.thresholds.values()
    assert not any("Clip this layer" in one.label for one in app.button)
    app.selectbox(key="kernel").set_value("all").run()
    assert set(panel.shown.thresholds.values()) == {0.25}
    press(app, "Undo the drag")
    assert 0.25 not in panel.shown.thresholds.values()


@pytest.mark.parametrize("quantizer", ["affine", "symmetric-max", "k-means", "stochastic"])
def test_every_quantizer_draws_its_own_levels(
    open_page: Open, panel: Panel, quantizer: str
) -> None:
    app = open_page("weights", model=FASHION, layer="stem.conv", grid_bits="3")
    choose(app, quantizer)
    assert query(app, "quantizer") == quantizer
    assert QUANTIZER_TEXTS[quantizer].title in text_of(app)
    rows, shown = rows_of("stem.conv"), panel.shown
    if QUANTIZER_TEXTS[quantizer].live:
        assert list(shown.thresholds.values()) == pytest.approx([np.abs(rows).max()] * 7)
        return
    assert shown.scheme == "levels"
    assert shown.levels is not None
    assert all(1 < len(shown.levels[bits]) <= 2**bits for bits in GRID_BITS)
    if quantizer == "affine":
        levels = shown.levels[3]
        assert (levels[-1] - levels[0]) == pytest.approx(rows.max() - rows.min())
        app.selectbox(key="kernel").set_value("5").run()
        own = panel.shown.levels
        assert own is not None
        assert own[3][-1] - own[3][0] == pytest.approx(np.ptp(np.append(rows[5], 0)))
        assert rounding_error(rows[5], Grid(own[3])).sqnr_db is not None
    choose(app, "symmetric")
    assert query(app, "quantizer") is None


def test_quantizer_of_the_address_is_shown(open_page: Open, panel: Panel) -> None:
    app = open_page("weights", model=FASHION, layer="stem.conv", quantizer="affine")
    assert app.selectbox(key="quantizer").value == "affine"
    assert panel.shown.scheme == "levels"


def test_grids_whose_file_is_gone_are_made_again(open_page: Open, panel: Panel) -> None:
    app = open_page("weights", model=FASHION, layer="stem.conv", quantizer="affine")
    before = panel.shown.levels
    (file,) = (home() / "grids").iterdir()
    file.unlink()
    app.run()
    assert not app.exception
    assert file.exists()
    assert before is not None
    assert panel.shown.levels is not None
    assert np.array_equal(panel.shown.levels[4], before[4])


def test_while_a_worker_is_at_it_there_is_progress_and_a_way_out(
    open_page: Open, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_page("weights", model=FASHION, layer="stem.conv")
    store = ui.engine.engine().store
    inline = ui.engine.engine().runner.submit
    monkeypatch.setattr(ui.weights.grids, "_PATIENCE", 0.0)
    monkeypatch.setattr(ui.engine.engine().runner, "submit", IdleRunner(store).submit)
    app.selectbox(key="quantizer").set_value("affine").run()
    assert any("waiting" in one.proto.text for one in app.get("progress"))
    assert len(app.dataframe) == 1  # the list stays
    press(app, "Cancel")
    assert "was cancelled" in "\n".join(error.value for error in app.error)
    monkeypatch.setattr(ui.engine.engine().runner, "submit", inline)
    press(app, "Try again")
    assert panel.shown.scheme == "levels"


def test_a_layer_of_zeros_is_told(
    open_page: Open, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qcore.prepare.prepare.write_weights", write_weights)  # no copy
    real = Network.weight
    monkeypatch.setattr(Network, "weight", lambda network, layer: real(network, layer) * 0)
    app = open_page("weights", model=FASHION, layer="stem.conv")
    assert "Only zeros" in text_of(app)
    app.selectbox(key="kernel").set_value("3").run()
    assert not app.exception
    choose(app, "affine")
    assert "Only zeros" in text_of(app)
