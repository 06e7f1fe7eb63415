"""Kernels of a layer on the sensitivity page, and its figures."""

from __future__ import annotations

import html
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from qcore.sensitivity.kernel_estimates import KernelEstimates
from qcore.sensitivity.kernel_shrinkage import HeldOut, KernelShrinkage
from ui.figures.kernel_histogram import kernel_histogram_figure
from ui.figures.kernel_losses import LEAST, WORST, kernel_bars, kernel_losses_figure
from ui.figures.loss_axis import loss_axis
from ui.sensitivity.kernel_words import shrinkage_words
from ui.theme import DARK, LIGHT

Open = Callable[..., AppTest]
FASHION = "sample:fashion-cnn"


def estimates(
    kernels: int, seed: int = 0, name: str = "conv", intervals: bool = True
) -> KernelEstimates:
    """A layer of two kernels and then the one in question, shrunk at 2 and 4 bits, raw at 3."""
    rng = np.random.default_rng(seed)
    values = rng.normal(1e-3, 1e-3, (2 + kernels, 3))
    ends = (values - 1e-4, values + 2e-4) if intervals else (None, None)
    layers = ("stem", name)
    checks = (
        HeldOut(2, 0.9, 0.78, 0.5, 0.4, 0.61, "shrunk"),
        HeldOut(4, 0.9, 0.8, 0.5, 0.4, 0.6, "shrunk"),
        HeldOut(3, 1.9, 1.5, 0.5, 0.4, 0.45, "raw"),
    )
    known = KernelShrinkage(layers, (0.1, 0.3), checks, 9)
    raw = values * (2, 2, 1)
    return KernelEstimates((2, 4, 3), layers, (2, kernels), 9, raw, values, *ends, known, values)


def test_bars_are_sorted_and_of_the_layer_and_width_asked_for() -> None:
    found = estimates(7)
    bars = kernel_bars(found, "conv", 4, "nats")
    own = found.shrunk[2:, 1]
    assert list(bars.kernels) == sorted(range(7), key=lambda kernel: -own[kernel])
    assert (np.diff(bars.losses) <= 0).all()
    np.testing.assert_array_equal(bars.losses, own[bars.kernels])
    assert bars.raw is not None
    np.testing.assert_array_equal(bars.raw, 2 * own[bars.kernels])
    np.testing.assert_allclose(bars.high - bars.losses, 2e-4)
    assert bars.hidden == 0


@pytest.mark.parametrize(("kernels", "drawn"), [(120, 120), (121, 120), (1280, 120)])
def test_of_many_kernels_both_ends_are_drawn(kernels: int, drawn: int) -> None:
    found = estimates(kernels)
    bars = kernel_bars(found, "conv", 2, "nats")
    order = np.sort(found.shrunk[2:, 0])[::-1]
    assert len(bars.kernels) == drawn
    assert bars.hidden == kernels - drawn
    np.testing.assert_array_equal(bars.losses[:WORST], order[:WORST])
    np.testing.assert_array_equal(bars.losses[-LEAST:], order[-LEAST:])
    places = np.diff(kernel_losses_figure(bars, None, LIGHT).data[0].x)
    assert (places > 1).sum() == (kernels > drawn)  # a gap where some are left out


def test_marks_show_values_intervals_and_raw_and_carry_the_kernel() -> None:
    found = estimates(30, name="<b>x</b>")
    bars = kernel_bars(found, "<b>x</b>", 2, "nats")
    figure = kernel_losses_figure(bars, int(bars.kernels[4]), DARK)
    bar, raw = figure.data
    assert bars.raw is not None
    axis = loss_axis(zip(bars.losses, bars.low, bars.high, strict=True))
    np.testing.assert_allclose(bar.y, axis(bars.losses))
    np.testing.assert_allclose(bar.y + bar.error_y.array, axis(bars.high))
    np.testing.assert_allclose(bar.y - bar.error_y.arrayminus, axis(bars.low))
    np.testing.assert_allclose(raw.y, axis(bars.raw))
    assert min(bars.losses) < 0  # kept, and drawn below zero
    assert min(bar.y) < 0
    low, high = figure.layout.yaxis.range
    assert low <= min(bar.y - bar.error_y.arrayminus)
    assert high >= max(raw.y)
    assert list(bar.customdata) == list(raw.customdata) == list(bars.kernels)
    colors = [color == DARK.focus for color in bar.marker.color]
    assert [i for i, lit in enumerate(colors) if lit] == [4]
    assert list(figure.layout.xaxis.ticktext) == [str(kernel) for kernel in bars.kernels]
    for kernel, text in zip(bars.kernels, bar.hovertext, strict=True):
        assert text.startswith(f"<b>kernel {kernel}</b> of &lt;b&gt;x&lt;/b&gt; at 2 bits<br>")
        assert "95 %" in text
        assert "<b>x" not in text.replace("<br>", "")
        assert "raw mean" in html.unescape(text)


def test_a_width_that_stays_raw_has_no_second_mark_and_says_so() -> None:
    found = estimates(5)
    bars = kernel_bars(found, "conv", 3, "nats")
    (bar,) = kernel_losses_figure(bars, None, LIGHT).data
    assert not any("raw mean" in text for text in bar.hovertext)
    words = shrinkage_words(found, "conv", 3)
    assert words.startswith(
        "At 3 bits the two halves agree better without shrinking: raw values are shown. "
    )
    assert "squared error 50 % more than that of raw values" in words
    assert "dash" not in words
    words = shrinkage_words(found, "conv", 2)
    assert "30 % of the distance is kept" in words
    assert "squared error 22 % less than that of raw values" in words
    assert "raw values are shown" not in words


def test_one_image_has_bars_without_intervals() -> None:
    bars = kernel_bars(estimates(5, intervals=False), "conv", 2, "nats")
    bar = kernel_losses_figure(bars, None, LIGHT).data[0]
    assert not np.any(bar.error_y.array)
    assert not any("95 %" in text for text in bar.hovertext)


def test_the_histogram_counts_every_weight_and_marks_every_level() -> None:
    weights = np.random.default_rng(1).normal(size=(9, 3, 3)).astype(np.float32)
    levels = np.array([-1.0, 0.0, 1.0])
    bars, lines = kernel_histogram_figure(weights, levels, 2, LIGHT).data
    assert sum(bars.y) == weights.size
    known = np.asarray(lines.x)[~np.isnan(np.asarray(lines.y, float))]
    np.testing.assert_array_equal(known, np.repeat(levels, 2))
    assert len(kernel_histogram_figure(weights, None, 16, LIGHT).data) == 1


def test_a_kernel_of_zeros_has_a_histogram() -> None:
    (bars,) = kernel_histogram_figure(np.zeros(4, np.float32), None, 16, DARK).data
    assert sum(bars.y) == 4


@pytest.fixture
def measured(open_page: Open) -> AppTest:
    """A projected run of 48 images, and its kernels."""
    app = open_page("sensitivity", model=FASHION, view="Kernels")
    app.segmented_control(key="sensitivity_method").set_value("projected")
    app.number_input[0].set_value(48).run()
    next(b for b in app.button if "Measure sensitivity" in b.label).click().run()
    assert not app.exception, app.exception
    return app


def text_of(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def test_the_worst_kernel_is_open_and_others_are_a_click_away(measured: AppTest) -> None:
    app = measured
    app.session_state["layer"] = "down.conv"
    app.run()
    assert "Kernels of down\\.conv" in text_of(app)
    pills = app.get_by_key("sensitivity-worst-kernels")
    assert len(pills.options) == 5
    worst, second = (int(option.split(" ")[0]) for option in pills.options[:2])
    assert f"**Weights of kernel {worst}**" in text_of(app)
    pills.set_value(second).run()
    assert not app.exception, app.exception
    assert f"**Weights of kernel {second}**" in text_of(app)


def test_a_sentence_states_the_shrinkage_and_its_evidence(measured: AppTest) -> None:
    text = text_of(measured)
    assert "of the distance is kept, as far as two halves of the 48 images agree" in text
    assert "Held-out check at 2 bits" in text
    widths = measured.segmented_control(key="sensitivity_kernel_bits")
    assert widths.value == 2
    widths.set_value(5).run()
    assert not measured.exception, measured.exception
    assert "Held-out check at 5 bits" in text_of(measured)


def test_the_link_leads_to_the_kernel_on_the_page_weights(measured: AppTest) -> None:
    (link,) = [
        link for link in measured.get("page_link") if "on the page Weights" in link.proto.label
    ]
    number = link.proto.label.split(" ")[1]
    assert f"kernel={number}" in link.proto.query_string
    assert "grid_bits=2" in link.proto.query_string


@pytest.mark.parametrize(("method", "target"), [("exact", "weight"), ("projected", "activation")])
def test_other_runs_say_where_kernels_come_from(open_page: Open, method: str, target: str) -> None:
    app = open_page("sensitivity", model=FASHION, view="Kernels")
    app.segmented_control(key="sensitivity_method").set_value(method)
    app.segmented_control(key="sensitivity_target").set_value(target)
    app.get_by_key("sensitivity_bits").set_value([4])
    app.number_input[0].set_value(8).run()
    next(b for b in app.button if "Measure sensitivity" in b.label).click().run()
    assert not app.exception, app.exception
    assert "Kernels are estimated by the projected measure of weights" in text_of(app)
