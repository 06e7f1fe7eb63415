"""The dial on hardware that does not run every width, and on what visitors bring or measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import streamlit as st
from allocate_common import Dial, link, press, text_of
from own_hardware_common import INT8_MS, NAMES, measurement, own_csv, pair_table, prepared, table
from streamlit.testing.v1 import AppTest

import ui.allocation.dial
from qcore.hardware import HARDWARE, Hardware
from qcore.latency.hardware import measured_hardware
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.table import SensitivityTable
from qcore.store.latencies import keep_latency
from qcore.store.own_hardware import keep_hardware, own_hardware, remove_hardware
from ui.allocation.dialled import Dialled
from ui.allocation.fit import fit, full_precision_runs, inputs_for
from ui.allocation.fit_words import joined, left_out_words, runs_words, widths_words
from ui.hardware.known import NOT_MEASURED, known, title

Show = Callable[..., AppTest]
EIGHTS = {(4, 8): 1.0, (8, 8): 2.0}


def show_panel(prepared, table):  # type: ignore[no-untyped-def]  # its source runs by itself
    from ui.allocation.panel import panel

    panel(prepared, table, None)


@pytest.fixture
def dial(monkeypatch: pytest.MonkeyPatch) -> Dial:
    stand_in = Dial()
    monkeypatch.setattr(ui.allocation.dial, "live_dial", stand_in)
    return stand_in


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch, dial: Dial) -> Show:
    """The page's panel alone, with query parameters."""
    monkeypatch.setattr(st, "page_link", lambda path, **how: st.caption(f"to {path}"))
    st.cache_resource.clear()

    def opened(rows: SensitivityTable | None = None, **query: str) -> AppTest:
        arguments = {"prepared": prepared(), "table": rows or table()}
        app = AppTest.from_function(show_panel, kwargs=arguments, default_timeout=30)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception, app.exception
        return app

    return opened


def choose(app: AppTest, name: str) -> None:
    app.selectbox(key="dial_hardware").set_value(name).run()
    assert not app.exception, app.exception


def machine(name: str) -> Hardware:
    return known(prepared())[name]


def test_select_boxes_have_published_models_first_and_this_machine_last() -> None:
    assert list(known(prepared())) == sorted(HARDWARE, key=lambda n: n.startswith("roofline:"))
    mine = keep_hardware("Two *big* cores", "table", own_csv(EIGHTS))
    keep_latency(measurement())
    found = known(prepared())
    assert list(found)[-2:] == [mine, "this-machine"]
    assert title(mine, found[mine]) == "Yours: Two *big* cores"
    assert title("this-machine", found["this-machine"]).startswith("This machine (measured ")


def test_one_width_is_left_and_nothing_is_lost(show: Show, dial: Dial) -> None:
    keep_latency(measurement())
    app = show(pins="4.8", kept="448,888", budget="average_bits:6")
    before, asked = dial.confirmed, link(app)
    assert (before[0], before[2]) == (4, 8)
    choose(app, "this-machine")
    said = text_of(app)
    assert "Left out: 2 to 4 bits" in said
    assert "This machine runs 8/8 and full precision only; the dial has one width left." in said
    assert "Layer inputs set to 8 bits: with inputs of full precision" in said
    assert "the widths of pins of conv1 \\(4 bits\\) and kept A: they wait" in said
    assert "Only one configuration is possible" not in said
    assert dial.confirmed == (8, 8, 8)
    assert [layer.pin for layer in dial.view.layers] == [None, None, 8]
    assert dial.costs["latency_ms"] == pytest.approx(sum(INT8_MS))
    assert [point.label for point in dial.points("kept")] == ["B"]
    assert link(app)["pins"] == "4.8"
    assert link(app)["kept"] == "448,888"
    app.segmented_control(key="allocate_view").set_value("Compare").run()
    assert not app.exception
    assert "that the chosen hardware does not run" in text_of(app)
    choose(app, "none")
    assert dial.confirmed == before
    assert [point.label for point in dial.points("kept")] == ["A", "B"]
    assert {n: v for n, v in link(app).items() if n in asked} == asked


def test_own_figures_are_a_budget(show: Show, dial: Dial) -> None:
    name = keep_hardware("Mine", "table", own_csv(EIGHTS))
    app = show(hardware=name, input_bits="8", budget="latency_ms:10")
    assert dial.costs["latency_ms"] <= 10
    expected = sum(EIGHTS[bits, 8] * place for place, bits in enumerate(dial.confirmed, start=1))
    assert dial.costs["latency_ms"] == pytest.approx(expected)
    # Of 12 ms for 8 bits everywhere, 10 leave 4 bits in two places of three; ΔL decides which.
    assert dial.confirmed == (4, 8, 8) or dial.confirmed == (8, 4, 8)
    assert "Left out: 2 and 3 bits. Yours: Mine runs 4/8 and 8/8 only" in text_of(app).replace(
        "\\", ""
    )


def test_new_figures_of_the_same_name_are_taken(show: Show, dial: Dial) -> None:
    keep_latency(measurement())
    app = show(hardware="this-machine", input_bits="8")
    first = dial.costs["latency_ms"]
    keep_latency(measurement(2.0))
    app.run()
    assert dial.costs["latency_ms"] == pytest.approx(2 * first)


def test_hardware_that_is_gone_is_named(show: Show, dial: Dial) -> None:
    name = keep_hardware("Mine", "table", own_csv(EIGHTS))
    app = show(hardware=name, input_bits="8", budget="latency_ms:10", pins="4..")
    remove_hardware(name)
    app.run()
    assert not app.exception, app.exception
    assert "Left out of the link" in text_of(app)
    assert "hardware" in text_of(app)
    assert "no latency without hardware" in text_of(app)
    assert "hardware" not in link(app)
    assert dial.confirmed[0] == 4
    show(hardware="own:" + "0" * 32)
    assert dial.view.unit.cost == "size_bytes"


def test_this_machine_points_to_its_measurement(show: Show, dial: Dial) -> None:
    app = show()
    box = app.selectbox(key="dial_hardware")
    assert box.options[-1] == NOT_MEASURED
    choose(app, "this-machine")
    assert "to pages/hardware.py" in text_of(app)
    assert "hardware" not in link(app)
    assert "latency_ms" not in dial.costs
    app.run()
    assert "to pages/hardware.py" not in text_of(app)


def test_another_machine_keeps_the_configuration_in_view(show: Show, dial: Dial) -> None:
    one = keep_hardware("One", "table", own_csv(EIGHTS))
    other = keep_hardware("Other", "table", own_csv({(4, 8): 70.0, (8, 8): 200.0}))
    app = show(hardware=one, input_bits="8", budget="latency_ms:10", also="size_bytes:100000")
    seen = dial.confirmed
    choose(app, other)
    assert dial.confirmed == seen
    assert dial.view.unit.cost == "latency_ms"
    assert dial.costs["latency_ms"] == pytest.approx(
        sum({4: 70, 8: 200}[bits] * place for place, bits in enumerate(seen, start=1))
    )


def test_a_table_of_pairs(show: Show, dial: Dial) -> None:
    keep_latency(measurement())
    app = show(pair_table(), hardware="this-machine", pins="2..", kept="222-222")
    assert dial.confirmed == (8, 8, 8)
    assert "Left out: 2 to 4 bits" in text_of(app)
    assert "conv1" in text_of(app)


def test_hardware_that_runs_nothing_is_left_out_with_the_reason(show: Show, dial: Dial) -> None:
    name = keep_hardware("Mine", "table", own_csv({(5, 8): 1.0}))
    app = show(hardware=name)
    assert "Without Yours: Mine" in text_of(app).replace("\\", "")
    assert "runs no width of this sensitivity table" in text_of(app)
    assert "latency_ms" not in dial.costs
    assert len(set(dial.view.layers[0].losses)) == 4


def test_a_budget_that_bits_do_not_change_says_so(show: Show, dial: Dial) -> None:
    app = show(hardware="stripes", input_bits="8", budget="latency_ms")
    said = text_of(app)
    assert "Latency is the same at every bit width here" in said
    assert "one bit width" not in said  # the run has four
    assert dial.confirmed == (8, 8, 8)


def test_the_batch_and_what_totals_leave_out_stand_beside_the_dial(show: Show, dial: Dial) -> None:
    app = show(hardware="bismo-cloud", input_bits="8", budget="latency_ms")
    assert "Figures are for a batch of 16 images. Not in the totals: " in text_of(app)
    choose(app, "bitfusion")
    assert "Figures are for a batch" not in text_of(app)


def test_hardware_without_the_budget_is_named(show: Show, dial: Dial) -> None:
    app = show(hardware="operations", input_bits="8", budget="latency_ms:1")
    said = text_of(app).replace("\\", "")
    assert "Energy per operation (45 nm) has no latency; the size is dialled instead." in said
    assert dial.view.unit.cost == "size_bytes"


def test_a_link_without_bits_of_inputs_has_a_way_on(show: Show, dial: Dial) -> None:
    app = show(hardware="bismo-edge")
    said = text_of(app).replace("\\", "")
    assert "Without BISMO edge (Zynq-7020): it runs no width of this sensitivity table" in said
    press(app, "Set layer inputs to 8 bits")
    assert link(app)["input_bits"] == "8"
    assert "latency_ms" in dial.costs


def test_inputs_get_bits_that_run() -> None:
    narrow = keep_hardware("Narrow", "table", own_csv({(4, 4): 1.0}))
    nothing = keep_hardware("Nothing", "table", own_csv({(7, 7): 1.0}))
    mine = own_hardware()
    assert inputs_for(table(), mine[narrow], None) == 4
    assert inputs_for(table(), mine[narrow], 8) == 4
    assert inputs_for(table(), mine[nothing], 3) == 3
    assert inputs_for(table(), HARDWARE["bismo-edge"], None) == 8
    assert inputs_for(table(), HARDWARE["bismo-edge"], 5) == 5
    assert inputs_for(table(), HARDWARE["operations"], None) is None
    assert inputs_for(pair_table(), HARDWARE["bismo-edge"], None) is None


def test_the_fit_divides_pins_and_widths() -> None:
    here = measured_hardware(measurement())
    pins = (("conv1", 4), ("head", 8))
    found = fit(table(), here, Dialled(inputs=8, pins=pins))
    assert found.left_out == (Width(2), Width(3), Width(4))
    assert set(found.pins) | set(found.idle) == set(pins)
    assert not full_precision_runs(found)
    free = fit(table(), None, Dialled(pins=pins))
    assert (free.left_out, free.pins, free.idle, free.trouble) == ((), pins, (), None)


def test_pairs_that_run_but_not_with_all_others_say_so() -> None:
    config = SensitivityConfig((4, 8), "kl", 50, target="both", activation_bits=(4, 8))
    rows = tuple(
        replace(row, target="both", activation_bits=inputs)
        for row in table().rows
        if row.bits in (4, 8)
        for inputs in (4, 8)
    )
    pairs = replace(table(), config=config, rows=rows)
    corners = keep_hardware("Corners", "table", own_csv({(4, 4): 1.0, (8, 8): 2.0}))
    machine = own_hardware()[corners]
    words = left_out_words(fit(pairs, machine, Dialled()), machine, None)
    assert "does not run all of them with every other width that is left" in words


def test_words_for_what_is_left_out() -> None:
    here = measured_hardware(measurement())
    assert runs_words(here, prepared().network) == "8/8 and full precision"
    assert runs_words(HARDWARE["bismo-edge"], prepared().network) == (
        "weights of 1 to 16 bits with inputs of 1 to 16 bits"
    )
    gap = keep_hardware("Gap", "table", own_csv(EIGHTS).replace(f"{NAMES[1]},4,8,2.0\n", ""))
    with_gap = own_hardware()[gap]
    words = left_out_words(fit(table(), with_gap, Dialled(inputs=8)), with_gap, 8)
    assert "Yours: Gap runs 8/8 only; the dial has one width left." in words.replace("\\", "")
    assert widths_words([Width(2, 8), Width(3, 8)]) == "2/8 and 3/8 bits"
    assert widths_words([Width(b) for b in (2, 3, 4, 5)]) == "2 to 5 bits"
    assert [joined([]), joined(["a"]), joined(["a", "b", "c"])] == ["", "a", "a, b and c"]
