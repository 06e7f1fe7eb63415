"""A projected run of every width of weights with every width of inputs, on its pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from allocate_common import Dial, link, text_of
from streamlit.testing.v1 import AppTest

import ui.allocation.dial
import ui.engine
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.store.job import Job

Open = Callable[..., AppTest]
FASHION = "sample:fashion-cnn"


def job_in_view(app: AppTest) -> Job:
    value = app.query_params["job"]
    return ui.engine.engine().store.get(value[0] if isinstance(value, list) else value)


@pytest.fixture
def dial(monkeypatch: pytest.MonkeyPatch) -> Dial:
    stand_in = Dial()
    monkeypatch.setattr(ui.allocation.dial, "live_dial", stand_in)
    return stand_in


@pytest.fixture
def page(open_page: Open) -> AppTest:
    """The form, filled in but for what is asked of it."""
    app = open_page("sensitivity", model=FASHION)
    app.segmented_control(key="sensitivity_method").set_value("projected")
    app.segmented_control(key="sensitivity_target").set_value("both")
    app.get_by_key("sensitivity_bits").set_value([2, 4, 8])
    app.number_input[0].set_value(16)
    return app.run()


def test_the_form_asks_for_pairs_and_says_which_it_cannot(page: AppTest) -> None:
    button = "Measure sensitivity"
    page.get_by_key("sensitivity_inputs").set_value([4, 16]).run()
    assert "choose 16 among the bit widths as well" in text_of(page)
    assert next(b for b in page.button if b.label == button).disabled
    page.segmented_control(key="sensitivity_target").set_value("weight").run()
    assert page.get_by_key("sensitivity_inputs").disabled
    assert not next(b for b in page.button if b.label == button).disabled


def test_one_run_on_all_pages(page: AppTest, dial: Dial) -> None:
    page.get_by_key("sensitivity_inputs").set_value([4, 8]).run()
    next(b for b in page.button if b.label == "Measure sensitivity").click().run()
    assert not page.exception, page.exception
    config = SensitivityConfig.from_json(job_in_view(page).question["config"])
    assert config.widths == tuple(Width(w, a) for w in (2, 4, 8) for a in (4, 8))
    assert "66 of 66 cells" in text_of(page)
    shown = page.segmented_control(key="sensitivity_inputs_shown")
    assert shown.value == 8
    shown.set_value(4).run()
    assert not page.exception, page.exception
    for view in ("Kernels", "Compare measures", "Trust check"):
        page.segmented_control(key="view").set_value(view).run()
        assert not page.exception, page.exception
    page.switch_page("pages/allocate.py").run()
    assert not page.exception, page.exception
    assert dial.view.confirmed is not None
    assert set(dial.view.confirmed.input_bits) <= {4, 8}
    dial.do(page, "pin", layer=2, bits=2)
    assert dial.confirmed[2] == 2
    assert dial.view.confirmed.input_bits[2] == 8
    dial.do(page, "keep")
    assert "-" in link(page)["kept"]
