"""Bits per kernel that a search found, put aside beside the dial: link, table, figure, curve."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from allocate_common import FASHION, Dial, link, text_of
from inline_runner import InlineRunner
from streamlit.testing.v1 import AppTest
from test_allocate_page import measure, row_of

import ui.allocation.dial
import ui.allocation.session as session
from qcore.agents.random_search_config import RandomConfig
from qcore.graph.load import load_network
from qcore.hardware.size import average_bits, size_ledger
from qcore.jobs.kept_search import episodes_of
from qcore.jobs.kinds import WORK
from qcore.jobs.questions import SensitivityQuestion
from qcore.jobs.search_question import SearchQuestion
from qcore.jobs.search_setting_of import setting_of
from qcore.measure.evaluation import Evaluation
from qcore.sensitivity.config import Width
from qcore.store.job import Job
from qcore.store.store import Store
from ui.allocation.address import Scope, read_query, to_query
from ui.allocation.dialled import Dialled, FromSearch
from ui.allocation.kept import keep, keep_trouble
from ui.allocation.origins import Origin, origin_of
from ui.figures.bit_rows import BitsRow, bit_rows_figure
from ui.theme import LIGHT, bit_color

Open = Callable[..., AppTest]
JOBS = tuple(digit * 32 for digit in "0a3")
FOUR = (Width(4),) * 4
SCOPE = Scope(tuple("abcd"), (Width(4), Width(8)), (), (), found=lambda job: job != JOBS[2])


def written(state: Dialled) -> dict[str, str]:
    return {name: text for name, text in to_query(state, SCOPE).items() if text is not None}


def test_a_link_says_which_search() -> None:
    state = Dialled(kept=(FromSearch(JOBS[0]), FOUR, FromSearch(JOBS[1])))
    assert read_query(written(state), SCOPE) == (state, ())


def test_a_search_that_is_gone_is_named_and_the_others_stay() -> None:
    state = Dialled(kept=(FOUR, FromSearch(JOBS[2]), FromSearch(JOBS[0])))
    left = Dialled(kept=(FOUR, FromSearch(JOBS[0])))
    assert read_query(written(state), SCOPE) == (left, ("kept",))


@pytest.mark.parametrize("word", ["search:", "search:zz", f"search:{'A' * 32}", JOBS[0], "search"])
def test_no_other_text_is_a_search(word: str) -> None:
    assert read_query({"kept": f"4444,{word}"}, SCOPE) == (Dialled(), ("kept",))
    twice = ",".join(2 * [f"search:{JOBS[0]}"])
    assert read_query({"kept": twice}, SCOPE) == (Dialled(), ("kept",))


def of(fingerprint: str) -> Any:
    return SimpleNamespace(network=SimpleNamespace(fingerprint=fingerprint))


def test_other_pages_put_aside_what_is_in_the_link_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.st, "session_state", {})
    monkeypatch.setattr(session.st, "query_params", {})
    searches = [FromSearch(digit * 32) for digit in "01245"]
    for one in searches:
        assert (keep_trouble(of("x"), one) is None) == (one != searches[4])
        keep(of("x"), one)
        assert keep_trouble(of("x"), one) is not None
    assert "remove one" in str(keep_trouble(of("x"), searches[4]))
    keep(of("y"), FOUR)
    # Each network has its own, whichever was seen last.
    assert session.kept_of("y") == (FOUR,)
    assert session.kept_of("x") == tuple(searches[:4])
    assert session.begin("x", SCOPE).kept == tuple(searches[:4])
    assert session.st.query_params["kept"].count("search:") == 4
    assert session.kept_of("y") == (FOUR,)
    assert session.begin("y", SCOPE).kept == (FOUR,)


def test_who_found_it_is_known_of_what_was_put_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session.st, "session_state", {})
    keep(of("x"), FOUR, "HAQ", "Size at most 45 kB")
    assert origin_of("x", FOUR) == Origin("HAQ", "Size at most 45 kB")
    assert origin_of("y", FOUR) is None
    keep(of("x"), FOUR, "Optimum")  # it is there already, and stays HAQ's
    assert origin_of("x", FOUR) == Origin("HAQ", "Size at most 45 kB")
    keep(of("x"), FromSearch(JOBS[0]))
    assert origin_of("x", FromSearch(JOBS[0])) is None


def test_a_cell_is_the_mean_of_its_kernels() -> None:
    rows = [BitsRow("A", [4, 4, (0, 0)]), BitsRow("B", [4, (2, 3, 8), 4])]
    figure = bit_rows_figure(("x", "y", "z"), rows, "x", LIGHT, grey_equal=True)
    second, first = figure.data
    assert list(first.text) == ["4", "4", "0"]
    assert list(second.text) == ["4", "4.3", "4"]
    assert second.customdata[1][1] == "4.33 bits on average, 2 to 8"
    grey, own, none = (bar.marker.color for bar in (second, second, first))
    assert (grey[0], own[1], none[2]) == (LIGHT.grid, bit_color(4), LIGHT.text)


def searched(images: int) -> Job:
    """A random search of kernels on the run that the page has made."""
    store = Store()
    (run,) = store.jobs("sensitivity")
    asked = SensitivityQuestion.from_json(run.question)
    assert asked.config.images == images
    return InlineRunner(store).submit(
        SearchQuestion(
            asked.model,
            asked.model_fingerprint,
            asked.data,
            asked.data_fingerprint,
            asked.config,
            "random",
            RandomConfig(),
            (("average_bits", 4.0),),
            20,
            per_kernel=True,
        )
    )


MEASURED = Evaluation("kl", 0.25, 0.125, 0.1, 0.15, 0.9, 0.91, 0.98, 2000, 1.0)


def test_kernels_stand_beside_layers(
    open_page: Open, monkeypatch: pytest.MonkeyPatch, store_home: Path
) -> None:
    dial = Dial()
    monkeypatch.setattr(ui.allocation.dial, "live_dial", dial)
    asked: list[Any] = []

    def measured(_job: str, question: Any, *_: Any) -> Any:
        asked.append(question)
        return MEASURED.to_json()

    monkeypatch.setitem(WORK, "evaluate", measured)
    measure(open_page("sensitivity", model=FASHION))
    job = searched(64)
    assert job.state == "finished", job.message
    network = load_network(FASHION).description
    setting = setting_of(Store(), SearchQuestion.from_json(job.question), network)
    assert job.result is not None
    bits = setting.bits(job.result["choice"])

    app = open_page("allocate", model=FASHION, kept=f"{'4' * 11},search:{job.id},search:{JOBS[0]}")
    assert "Left out of the link" in text_of(app)
    assert link(app)["kept"] == f"{'4' * 11},search:{job.id}"
    point = dial.points("kept")[1]
    assert point.label == "B"
    assert point.loss == pytest.approx(min(e.value for e in episodes_of(Store(), job.id)))
    assert point.bits == pytest.approx([average_bits_of(one) for one in bits.values()])

    app.segmented_control(key="allocate_view").set_value("Compare").run()
    assert not app.exception, app.exception
    assert "**B**  \n:small[Random search, per kernel]" in text_of(app)
    corrected = setting.table.config.clipping.bias_correction
    bytes_of = size_ledger(network, bits, corrected).total_bytes
    shown = cells(app, "Size (kB)"), cells(app, "Average bits")
    assert float(shown[0][1]) == pytest.approx(bytes_of / 1000, abs=0.05)
    assert float(shown[1][1]) == pytest.approx(average_bits(network, bits), abs=0.005)

    app.button(key="measure-B").click().run()
    assert not app.exception, app.exception
    assert [value != "–" for value in cells(app, "Measured ΔL")] == [False, True, False]
    assert cells(app, "Measured ΔL")[1] == "+0.125"
    (question,) = asked
    assert {name: freeze(one) for name, one, _ in question["bits"]} == dict(bits)
    assert "kept B" in dial.view.measured[0].label
    assert dial.view.measured[0].costs["size_bytes"] == bytes_of

    app.selectbox(key="dial_hardware").set_value("bismo-edge").run()
    title = next(str(m.value) for m in app.markdown if str(m.value).startswith("Latency ("))
    assert [value != "–" for value in cells(app, title)] == [False, False, True]
    app.button(key="remove-B").click().run()
    assert link(app)["kept"] == "4" * 11


def freeze(bits: int | list[int]) -> int | tuple[int, ...]:
    return bits if isinstance(bits, int) else tuple(bits)


def average_bits_of(bits: int | tuple[int, ...]) -> float:
    return float(bits) if isinstance(bits, int) else sum(bits) / len(bits)


def cells(app: AppTest, title: str) -> list[str]:
    """What three compared configurations have of a quantity."""
    return [value for value, _ in row_of(app, title)[:3]]
