"""The page Hardware: each machine, what does not run, links, and what needs another page first."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allocate_common import FASHION, Dial, link, press, text_of
from streamlit.testing.v1 import AppTest

import ui.allocation.dial
from qcore.graph.load import load_network
from qcore.hardware import HARDWARE, BitPair
from qcore.latency.measurement import LatencyMeasurement, LayerLatency
from qcore.samples import SAMPLES
from qcore.store.latencies import keep_latency

Open = Callable[..., AppTest]


def metrics(app: AppTest) -> dict[str, str]:
    return {metric.label: str(metric.value) for metric in app.metric}


def test_without_a_network_it_says_what_it_shows(open_page: Open) -> None:
    app = open_page("hardware")
    assert "latency and energy of every layer" in text_of(app)
    assert [b.label for b in app.button] == [
        *(f"Open {sample.title}" for sample in SAMPLES.values()),
        "Open",
    ]


def test_every_machine_is_shown(open_page: Open) -> None:
    app = open_page("hardware", model=FASHION)
    for name, machine in HARDWARE.items():
        app.selectbox(key="hardware_machine").set_value(name).run()
        assert not app.exception, (name, app.exception)
        assert link(app).get("hardware", "bismo-cloud") == name
        shown = metrics(app)
        assert not any("nan" in value.lower() for value in shown.values()), shown
        assert any(label.startswith("Latency of") for label in shown) == machine.has_latency
        assert any(label.startswith("Energy of") for label in shown) == machine.has_energy
        assert "–" not in shown.values()
        assert len(app.get("plotly_chart")) >= 1
        assert bool(app.number_input) != machine.fixed_batch
        expanded = text_of(app)
        assert machine.provenance[:30].split("(")[0].strip() in expanded.replace("\\", "")


def test_batch_and_bits_change_the_figures_beside_those_of_8_bits(open_page: Open) -> None:
    app = open_page("hardware", model=FASHION, hardware="bismo-edge", batch="4")
    assert app.number_input(key="hardware_batch").value == 4
    before = metrics(app)["Latency of 4 images"]
    app.number_input(key="hardware_batch").set_value(1).run()
    assert "batch" not in link(app)
    assert metrics(app)["Latency of an image"] != before
    assert app.metric[0].delta.startswith("8/8: ")
    app.selectbox(key="hardware_weights_bits").set_value("8").run()
    assert app.metric[0].delta == f"8/8: {app.metric[0].value}"


def test_bits_that_do_not_run_are_named_and_nothing_breaks(open_page: Open) -> None:
    app = open_page("hardware", model=FASHION, input_bits="full")
    warned = app.warning[0].value.replace("\\", "")
    assert "'down.conv'" in warned  # the first that BISMO counts
    assert "4/full" in warned
    assert "choose from 1 to 16 bits" in warned
    assert set(metrics(app).values()) == {"–"}
    assert not app.get("plotly_chart")
    app.segmented_control(key="hardware_view").set_value("Side by side").run()
    frame = app.dataframe[0].value.set_index("hardware")
    press(app, "Use 8/8 bits in every layer")
    assert not app.warning
    assert "–" not in metrics(app).values()
    assert link(app)["weight_bits"] == "8"
    edge = frame.loc[HARDWARE["bismo-edge"].title]
    assert edge["runs"] == "no"
    assert "down.conv" in edge["why not"]
    assert frame.loc[HARDWARE["operations"].title, "runs"] == "yes"


def test_side_by_side_compares_with_uniform_8_bits(open_page: Open) -> None:
    app = open_page("hardware", model=FASHION, weight_bits="8", hardware_view="Side by side")
    app.segmented_control(key="hardware_view").set_value("Side by side").run()
    frame = app.dataframe[0].value.set_index("hardware")
    assert len(frame) >= len(HARDWARE)
    known = frame["vs 8/8"].dropna()
    assert len(known) >= 3
    assert (known == 1).all()  # these are the bits in view
    cloud = frame.loc[HARDWARE["bismo-cloud"].title]
    assert cloud["ms per batch"] / cloud["batch"] == pytest.approx(cloud["ms per image"], rel=1e-3)
    shares = cloud[["multiplying (%)", "weights (%)", "inputs (%)"]].sum()
    assert shares == pytest.approx(100, abs=0.2)


def test_a_link_to_hardware_that_is_gone_says_so(open_page: Open) -> None:
    app = open_page("hardware", model=FASHION, hardware="own:" + "0" * 32)
    assert "not here" in app.warning[0].value
    assert not app.exception


def test_a_measurement_of_this_machine_is_taken_up(open_page: Open) -> None:
    app = open_page("hardware", model=FASHION, hardware_view="Measured here")
    network = load_network(FASHION).description
    pair = BitPair(8, 8)
    each = tuple(LayerLatency(pair, 0.5, 0.4, 0.6, 9, layer.name) for layer in network.layers)
    facts = (network.fingerprint, network.name, "A processor", 2, 1, "ONNX Runtime 1.0")
    keep_latency(LatencyMeasurement(*facts, each, (), (), 1.0))
    app.run()
    press(app, "Show this machine above")
    assert not app.exception
    assert link(app)["hardware"] == "this-machine"
    press(app, "Use 8/8 bits in every layer")  # 4/8 does not run
    assert metrics(app)["Latency of an image"] == "5.500 ms"  # 11 layers
    assert "Show this machine above" not in [button.label for button in app.button]


def test_policies_need_a_sensitivity_table_and_then_are_there(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    dial = Dial()
    monkeypatch.setattr(ui.allocation.dial, "live_dial", dial)
    app = open_page("hardware", model=FASHION)
    app.segmented_control(key="hardware_view").set_value("Across hardware").run()
    assert "measure it first" in text_of(app)
    app.switch_page("pages/sensitivity.py").run()
    app.segmented_control(key="sensitivity_method").set_value("projected")
    app.number_input[0].set_value(16).run()
    press(app, "Measure sensitivity")
    app.switch_page("pages/hardware.py").run()
    app.segmented_control(key="hardware_view").set_value("Across hardware").run()
    assert not app.exception, app.exception
    assert "different policies for" in text_of(app) or "One policy" in text_of(app)
    drawn = len(app.get("plotly_chart"))
    assert drawn >= 3

    # The configuration on the dial can be looked at here, and is in the link.
    app.switch_page("pages/allocate.py").run()
    app.switch_page("pages/hardware.py").run()
    app.selectbox(key="hardware_source").set_value("dial").run()
    assert not app.exception, app.exception
    assert link(app)["bits"] == "".join(map(str, dial.confirmed))
    assert app.selectbox(key="hardware_inputs_bits").value == "8"
    seen = metrics(app)
    other = open_page("hardware", **link(app))
    assert metrics(other) == seen
    assert other.selectbox(key="hardware_source").value == "link"


def test_what_a_machine_does_not_count_is_not_called_nothing(open_page: Open) -> None:
    app = open_page("hardware", model=FASHION, hardware="stripes", hardware_view="Side by side")
    assert "Multiplying" in metrics(app)
    assert "Waiting for weights" not in metrics(app)  # its memory is taken to deliver in time
    assert "Waiting for memory is not counted" in text_of(app)
    frame = app.dataframe[0].value.set_index("hardware")
    stripes, edge = (frame.loc[HARDWARE[name].title] for name in ("stripes", "bismo-edge"))
    assert stripes["multiplying (%)"] == 100
    assert stripes[["weights (%)", "inputs (%)"]].isna().all()
    assert edge[["multiplying (%)", "weights (%)", "inputs (%)"]].sum() == pytest.approx(100, 0.01)
