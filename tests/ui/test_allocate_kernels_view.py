"""Bits per kernel on the page Allocate: found, measured beside bits per layer, exported."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allocate_common import FASHION, Dial, press
from streamlit.testing.v1 import AppTest
from test_allocate_page import measure

import ui.allocation.dial
from qcore.graph.layer import Description, Layer
from ui.figures.kernel_bits import kernel_bits_figure
from ui.theme import LIGHT, bit_color

Open = Callable[..., AppTest]


def test_kernels_within_the_budget_of_the_dial(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    dial = Dial()
    monkeypatch.setattr(ui.allocation.dial, "live_dial", dial)
    measure(open_page("sensitivity", model=FASHION))
    app = open_page("allocate", model=FASHION)
    app.segmented_control(key="allocate_view").set_value("Kernels").run()
    assert not app.exception, app.exception
    tiles = {tile.label: tile.value for tile in app.metric}
    limit = dial.view.value * dial.view.unit.per_unit
    assert float(str(tiles["Size"]).removesuffix(" kB")) * 1000 <= limit + 50
    assert "Measured ΔL" not in tiles
    press(app, "Measure on held-out images").run()
    tiles = {tile.label: tile for tile in app.metric}
    own, other = (float(str(tiles[name].value).replace("−", "-")) for name in LABELS)
    word = "worse" if own > other else "better"
    assert word in str(tiles["Measured ΔL"].delta)
    assert "Measured ΔL, of plain uniform 4 bit (no bias correction)" in tiles


LABELS = ("Measured ΔL", "Per layer, measured ΔL")


def test_every_bar_is_the_share_of_kernels_at_each_width() -> None:
    layers = tuple(
        Layer(name, "conv2d", name, None, (name,), (4, 2), 1, 4, 1, (1,), (1,)) for name in "ab"
    )
    network = Description("two", "f", 16, (1,), ((1,),), layers, {}, 0, 0, 0, None)
    figure = kernel_bits_figure(network, {"a": 4, "b": (0, 4, 8, 8)}, LIGHT)
    bars = {bar.name: list(bar.y) for bar in figure.data}
    assert bars == {"pruned": [0, 25], "4 bits": [100, 25], "8 bits": [0, 50]}
    assert [bar.marker.color for bar in figure.data][1:] == [bit_color(4), bit_color(8)]
