"""The page Allocate: what is dialled, pinned, undone, kept and linked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from allocate_common import FASHION, Dial, link, press, text_of
from streamlit.testing.v1 import AppTest

import ui.allocation.dial
import ui.allocation.why

ROOT = Path(__file__).resolve().parents[2]
Open = Callable[..., AppTest]


@pytest.fixture
def dial(monkeypatch: pytest.MonkeyPatch) -> Dial:
    stand_in = Dial()
    monkeypatch.setattr(ui.allocation.dial, "live_dial", stand_in)
    return stand_in


def measure(app: AppTest, target: str = "weight") -> None:
    """A small projected run, on the page Sensitivity."""
    app.segmented_control(key="sensitivity_method").set_value("projected")
    app.segmented_control(key="sensitivity_target").set_value(target)
    app.segmented_control(key="objective-cross_entropy").set_value("kl")
    app.number_input[0].set_value(64).run()
    press(app, "Measure sensitivity")


@pytest.fixture(scope="module")
def measured_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the store with the run waits for the tests after the first."""
    return tmp_path_factory.mktemp("measured") / "home"


@pytest.fixture
def app(open_page: Open, dial: Dial, store_home: Path, measured_home: Path) -> AppTest:
    """The page after a small projected run."""
    if measured_home.exists():
        shutil.copytree(measured_home, store_home)
    else:
        measure(open_page("sensitivity", model=FASHION))
        shutil.copytree(store_home, measured_home)
    return open_page("allocate", model=FASHION)


def reopened(app: AppTest, **changed: str) -> AppTest:
    """Another visitor with the same link."""
    other = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90)
    for name, value in {**link(app), **changed}.items():
        other.query_params[name] = value
    other.run()
    other.switch_page("pages/allocate.py").run()
    assert not other.exception, other.exception
    return other


def test_a_release_is_solved_and_linked(app: AppTest, dial: Dial) -> None:
    start, four = dial.confirmed, dial.costs["average_bits"]
    assert four <= 4
    dial.do(app, "released", value=30.0)
    assert dial.confirmed != start
    assert dial.costs["size_bytes"] <= 30_000
    assert dial.view.value == 30
    # The exact optimum is no worse than what the path has within the budget.
    within = [p.loss for p in dial.view.path if p.costs["size_bytes"] <= 30_000]
    assert dial.loss <= min(within) + 1e-12
    assert "Proven" in dial.view.confirmed_text
    assert link(app)["budget"] == "size_bytes:30000.0"
    seen = dial.confirmed
    reopened(app)
    assert dial.confirmed == seen


def test_pins_hold_and_can_be_undone(app: AppTest, dial: Dial) -> None:
    free, loss = dial.confirmed, dial.loss
    dial.do(app, "pin", layer=3, bits=8)
    assert dial.confirmed[3] == 8
    assert dial.view.layers[3].pin == 8
    assert dial.loss >= loss
    assert dial.points("without pins")
    assert link(app)["pins"] == "...8......."
    assert app.session_state["layer"] == dial.view.layers[3].name
    dial.do(app, "pin", layer=5, bits=2)
    dial.do(app, "undo")
    assert (dial.confirmed[3], dial.view.layers[5].pin) == (8, None)
    dial.do(app, "redo")
    assert dial.confirmed[5] == 2
    pinned = dial.confirmed
    reopened(app)
    assert dial.confirmed == pinned
    dial.do(app, "pin", layer=3, bits=None)
    dial.do(app, "undo")
    dial.do(app, "undo")
    dial.do(app, "undo")
    assert dial.confirmed == free
    assert not dial.view.can_undo


def test_history_says_what_was_and_goes_back(app: AppTest, dial: Dial) -> None:
    first = dial.confirmed
    dial.do(app, "released", value=30.0)
    dial.do(app, "pin", layer=0, bits=4)
    words = [b.label for b in app.button if b.key and b.key.startswith("history-")]
    assert len(words) == 2
    assert words[0].startswith("30 kB, ΔL +")
    press(app, words[1])
    assert dial.confirmed == first
    assert len([b for b in app.button if b.key and b.key.startswith("history-")]) == 3


def test_what_pinning_costs_is_what_it_adds(app: AppTest, dial: Dial) -> None:
    dial.do(app, "focus", layer=7)
    assert dial.view.focus == 7
    costs, loss = dial.view.pin_costs, dial.loss
    assert costs is not None
    assert min(costs.values()) == 0
    dial.do(app, "pin", layer=7, bits=2)
    assert dial.loss - loss == pytest.approx(costs[2], abs=1e-9)


def test_an_edit_in_the_table_pins(
    app: AppTest, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = next(d.value for d in app.dataframe if "pin" in d.value)
    assert frame["bits"].sum() == sum(dial.confirmed)
    monkeypatch.setattr(ui.allocation.why.st, "session_state", {"t": {"edited_rows": {"1": {}}}})
    changed = []
    monkeypatch.setattr(ui.allocation.why.session, "now", lambda: ui.allocation.dialled.Dialled())
    monkeypatch.setattr(ui.allocation.why.session, "change", changed.append)
    monkeypatch.setattr(ui.allocation.why, "focus_layer", lambda name: None)
    ui.allocation.why.st.session_state["t"]["edited_rows"] = {"1": {"pin": 4}, "0": {"pin": None}}
    ui.allocation.why._edited("t", ["a", "b"])
    assert changed[0].pins == (("b", 4),)


def row_of(app: AppTest, title: str) -> list[tuple[str, str]]:
    """(value, difference) of each compared configuration, five of them."""
    texts = [str(element.value) for element in app.markdown]
    start = texts.index(title) + 1
    found = []
    for text in texts[start : start + 5]:
        value, _, rest = text.partition("\n")
        found.append((value.strip(" *"), rest.partition("[:small[")[2].rstrip("]")))
    return found


def test_four_are_kept_compared_and_measured(app: AppTest, dial: Dial) -> None:
    seen = []
    for value in (25.0, 30.0, 40.0, 60.0, 70.0):
        dial.do(app, "released", value=value)
        dial.do(app, "keep")
        seen.append(dial.confirmed)
    kept = dial.points("kept")
    assert [point.label for point in kept] == ["A", "B", "C", "D"]
    assert [point.bits for point in kept] == [tuple(map(float, bits)) for bits in seen[:4]]
    assert link(app)["kept"].split(",") == ["".join(map(str, bits)) for bits in seen[:4]]
    app.segmented_control(key="allocate_view").set_value("Compare").run()
    assert "layers differ" in text_of(app)
    sizes = row_of(app, "Size (kB)")
    assert [float(size) for size, _ in sizes] == pytest.approx(
        [costs["size_bytes"] / 1000 for costs in (*(p.costs for p in kept), dial.costs)],
        abs=0.05,
    )
    assert sizes[0][1] == ""
    assert float(sizes[1][1]) == pytest.approx(float(sizes[1][0]) - float(sizes[0][0]), abs=0.01)
    app.segmented_control(key="compare_to").set_value("B").run()
    assert row_of(app, "Size (kB)")[0][1].startswith("−")
    app.button(key="measure-B").click().run()
    measured = [value != "–" for value, _ in row_of(app, "Measured ΔL")]
    assert measured == [False, True, False, False, False]
    assert len(dial.view.measured) == 1
    assert "kept B" in dial.view.measured[0].label
    press(app, "Remove")
    assert [point.bits for point in dial.points("kept")] == [
        tuple(map(float, bits)) for bits in seen[1:4]
    ]
    reopened(app)
    assert len(dial.points("kept")) == 3


def test_two_budgets_at_once(app: AppTest, dial: Dial) -> None:
    assert dial.costs["bops"] > 6e8
    app.selectbox(key="dial_second").set_value("bops").run()
    app.number_input(key="dial_second_value").set_value(0.6).run()
    assert not app.exception
    assert dial.costs["bops"] <= 6e8
    assert all(point.costs["bops"] <= 6e8 * (1 + 1e-9) for point in dial.view.path)
    assert link(app)["also"] == "bops:600000000.0"
    assert "Bit operations" in text_of(app)


def test_the_smallest_network_within_a_loss(app: AppTest, dial: Dial) -> None:
    app.number_input(key="dial_loss").set_value(0.01).run()
    assert not app.exception
    assert dial.loss <= 0.01
    dialled = dial.costs["size_bytes"]
    dial.do(app, "released", value=dial.view.value - dial.view.unit.step)
    assert dial.costs["size_bytes"] < dialled
    assert dial.loss > 0.01
    app.number_input(key="dial_loss").set_value(0.0).run()
    assert "No network is within that" in text_of(app)


def test_another_unit_keeps_the_configuration(app: AppTest, dial: Dial) -> None:
    dial.do(app, "released", value=35.5)
    seen = dial.loss
    for unit in ("average_bits", "bops", "size_ratio", "size_bytes"):
        app.selectbox(key="dial_unit").set_value(unit).run()
        assert dial.view.unit.cost == unit
        assert dial.loss <= seen + 1e-12
        seen = dial.loss


def test_an_infeasible_budget_says_the_nearest_and_goes_there(app: AppTest, dial: Dial) -> None:
    app = reopened(app, budget="average_bits:1.5")
    assert "cannot be met: the least possible is 2 bits" in text_of(app)
    assert set(dial.confirmed) == {2}
    assert not any("Unpin" in button.label for button in app.button)
    press(app, "Use 2 bits")
    assert link(app)["budget"] == "average_bits:2.0"
    assert not app.error


def test_pins_that_are_in_the_way_can_be_taken_away(app: AppTest, dial: Dial) -> None:
    app = reopened(app, budget="average_bits:4", pins="88888888888")
    assert "within the pins: the least possible is 8 bits" in text_of(app)
    press(app, "Unpin all layers")
    assert not app.error
    assert dial.costs["average_bits"] <= 4


def test_budgets_that_exclude_each_other(app: AppTest, dial: Dial) -> None:
    app = reopened(app, budget="average_bits:4", also="bops:380000000.0")
    assert "cannot be met" in text_of(app)
    press(app, "Use")
    assert not app.error


def test_hardware_brings_latency_and_bits_of_inputs(app: AppTest, dial: Dial) -> None:
    assert "latency_ms" not in dial.costs
    app.selectbox(key="dial_hardware").set_value("bismo-edge").run()
    assert link(app)["input_bits"] == "8"
    assert dial.costs["latency_ms"] > 0
    assert {point.input_bits for point in dial.view.path} == {(8,) * 11}
    app.selectbox(key="dial_unit").set_value("latency_ms").run()
    assert not app.exception
    app.selectbox(key="dial_hardware").set_value("none").run()
    assert not app.exception
    assert dial.view.unit.cost == "size_bytes"


def test_latency_without_hardware_falls_back_and_says_so(app: AppTest, dial: Dial) -> None:
    app = reopened(app, budget="latency_ms:3")
    assert "no latency without hardware" in text_of(app)
    assert dial.view.unit.cost == "size_bytes"


def test_a_strange_link_is_named_in_a_line(app: AppTest, dial: Dial) -> None:
    app = reopened(app, pins="44", kept="zz", method="magic")
    assert "Left out of the link" in text_of(app)
    assert all(name in text_of(app) for name in ("method", "pins", "kept"))
    assert not {"pins", "kept", "method"} & set(link(app))


def test_interaction_aware_says_what_it_did(app: AppTest, dial: Dial) -> None:
    app.selectbox(key="dial_method").set_value("interaction").run()
    assert not app.exception
    assert "interactions of layers" in text_of(app) or "measured interactions" in text_of(app)
    assert link(app)["method"] == "interaction"


def test_ratios_against_both_uniform_kinds(app: AppTest, dial: Dial) -> None:
    app.segmented_control(key="allocate_view").set_value("Measured").run()
    assert "what choosing bits was worth" in text_of(app)
    press(app, "Measure these")
    shown = {m.label: str(m.value) for m in app.metric}
    own = float(shown["Measured ΔL"].replace("−", "-"))
    point = next(point for point in dial.view.measured if "this budget" in point.label)
    assert own == pytest.approx(point.loss, rel=0.01)
    frame = next(d.value for d in app.dataframe if "allocation" in d.value)
    rows = frame.set_index("allocation")["measured"]
    assert set(rows.index) == {"this budget", "uniform 4 bit", "plain uniform 4 bit"}
    labels = {
        "uniform": "bias-corrected uniform 4 bit",
        "plain uniform": "plain uniform 4 bit (no bias correction)",
    }
    for name, label in labels.items():
        ratio = rows[f"{name} 4 bit"] / rows["this budget"]
        said = shown[f"Measured ΔL, of {label}"]
        if ratio > 0:
            number = float(said.removesuffix(" ×").removeprefix("1/"))
            assert number == pytest.approx(max(ratio, 1 / ratio), rel=0.006)
            assert said.startswith("1/") == (ratio >= 1)
        else:
            assert said == "no ratio"


def test_the_ledger_adds_up_to_the_size(app: AppTest, dial: Dial) -> None:
    app.segmented_control(key="allocate_view").set_value("Ledger").run()
    frame = next(d.value for d in app.dataframe if "part" in d.value)
    assert frame["bytes"].iloc[:-1].sum() == frame["bytes"].iloc[-1]
    assert frame["bytes"].iloc[-1] == round(dial.costs["size_bytes"])


def test_pairs_of_weights_and_inputs(open_page: Open, dial: Dial) -> None:
    app = open_page("sensitivity", model=FASHION)
    measure(app, "both")
    app.switch_page("pages/allocate.py").run()
    assert not app.exception, app.exception
    assert dial.view.confirmed is not None
    assert dial.view.confirmed.input_bits == dial.confirmed
    assert not any(box.key == "dial_inputs" for box in app.selectbox)
    dial.do(app, "pin", layer=2, bits=8)
    dial.do(app, "keep")
    assert link(app)["kept"].count("-") == 1
    press(app, "held-out images")
    assert len(dial.view.measured) == 1
    seen = dial.confirmed
    reopened(app)
    assert dial.confirmed == seen
    assert len(dial.points("kept")) == 1


def test_each_network_has_its_own_dial(app: AppTest, dial: Dial) -> None:
    dial.do(app, "released", value=30.0)
    assert dial.view.can_undo
    app.switch_page("pages/numbers.py").run()
    app.switch_page("pages/allocate.py").run()
    assert dial.view.value == 30
    assert dial.view.can_undo
