"""What the form asks as a question to workers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from qcore.agents.evaluator import EvaluatorName
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.setting import SearchSetting
from qcore.calibrate.clipping import Clipping
from qcore.errors import BadInput
from qcore.jobs.questions import SensitivityQuestion
from qcore.jobs.search_question import SearchQuestion
from qcore.jobs.search_setting_of import setting_of
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.allocation.clipping import clipping_in_use
from ui.allocation.fit import pinned_width
from ui.engine import engine
from ui.search.budget import Limit
from ui.search.dial import Dial


@dataclass(frozen=True)
class Asked:
    """The form's answers that all competitors share."""

    limit: Limit
    per_kernel: bool
    evaluator: EvaluatorName
    images: int | None
    fine_tune_steps: int
    episodes: int


@dataclass(frozen=True, eq=False)
class Known:
    """A question's problem, or in a line why there is none."""

    setting: SearchSetting | None
    trouble: str | None = None


def base_question(run: SensitivityQuestion, dial: Dial, asked: Asked) -> SearchQuestion:
    """What all competitors are asked, as the random search of the first seed. Pins, hardware,
    layer inputs and the second budget are the dial's."""
    second, hardware = dial.second(asked.limit.name), dial.bench.fit.hardware
    budgets = ((asked.limit.name, asked.limit.value), *([] if second is None else [second]))
    return SearchQuestion(
        run.model,
        run.model_fingerprint,
        run.data,
        run.data_fingerprint,
        run.config,
        "random",
        RandomConfig(),
        budgets,
        asked.episodes,
        pins=_pins(dial),
        inputs=dial.dialled.inputs if run.config.target == "weight" else None,
        hardware=None if hardware is None else hardware.name,
        hardware_revision=None if hardware is None else hardware.revision,
        per_kernel=asked.per_kernel,
        evaluator=asked.evaluator,
        images=asked.images,
        fine_tune_steps=asked.fine_tune_steps,
        input_clipping=_input_clipping(run, dial) if asked.evaluator == "measured" else None,
    )


def _pins(dial: Dial) -> tuple[tuple[str, int, int | None], ...]:
    widths = {layer: pinned_width(dial.bench.table, bits) for layer, bits in dial.dialled.pins}
    return tuple((layer, width.bits, width.activation_bits) for layer, width in widths.items())


def _input_clipping(run: SensitivityQuestion, dial: Dial) -> Clipping | None:
    """As the winner's inputs are going to be clipped when it is measured on other images."""
    if run.config.target != "weight" or dial.dialled.inputs is None:
        return None
    return clipping_in_use(dial.bench.table).of("activation")


def setting_for(question: SearchQuestion, prepared: Prepared) -> Known:
    """The problem of a question, whoever answers it and in how many episodes."""
    same = replace(
        question,
        agent="random",
        settings=RandomConfig(),
        seed=0,
        episodes=1,
        evaluator="predicted",
        images=None,
        fine_tune_steps=0,
        input_clipping=None,
    )
    try:
        return Known(_setting(repr(same), same, prepared))
    except BadInput as error:
        return Known(None, fmt.plain(fmt.capital(str(error))))


@st.cache_resource(max_entries=32, show_spinner=False)
def _setting(key: str, _question: SearchQuestion, _prepared: Prepared) -> SearchSetting:
    return setting_of(engine().store, _question, _prepared.network)
