"""The run in view against another one: do they rank the cells alike?"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from qcore.errors import BadInput
from qcore.jobs.questions import SensitivityQuestion, to_json
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.compare import (
    FEWEST,
    Agreement,
    CommonCell,
    agreement,
    agreement_by_bits,
    common_cells,
)
from qcore.sensitivity.config import Measure, check_config
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from ui import format as fmt
from ui.charts import chart
from ui.engine import engine
from ui.figures.scatter import Measures, scatter_figure
from ui.jobs import cancel, progress_text
from ui.results import METHOD_NAMES, can_go_on, comparable, question_of, run_label, table_of
from ui.select import focus_clicked
from ui.sensitivity.halves import halves
from ui.state import palette

_OTHER = "compared_run"
_WORDS = ((0.95, "almost the same order"), (0.8, "much the same order"), (0.5, "a similar order"))


def comparing_section(prepared: Prepared, job: Job, table: SensitivityTable, focus: str) -> None:
    """A menu of other runs, the scatter of the common cells, and how well the ranks agree."""
    others = {one.id: one for one in comparable(prepared, job)}
    _following(job)
    if not others:
        _nothing(job)
        return
    if st.session_state.get(_OTHER) not in others:
        st.session_state[_OTHER] = next(iter(others))
    chosen = st.selectbox(
        "Against",
        list(others),
        key=_OTHER,
        persist_state="session",
        format_func=lambda run: run_label(others[run]) if run in others else run,
        help="Finished runs on this network that share a bit width with the one in view.",
    )
    other = table_of(others[chosen], prepared)
    cells = common_cells(table, other)
    if len(cells) < FEWEST:
        with st.container(height=200, border=False):
            st.caption(f"Only {len(cells)} cells have a value in both runs.")
        return
    measures = Measures(
        (_axis(job), _axis(others[chosen])),
        (table.config.quantity_in_unit(), other.config.quantity_in_unit()),
    )
    left, right = halves()
    with left:
        chart(
            scatter_figure(cells, measures, focus, palette()),
            "sensitivity-scatter",
            "One dot for every layer and bit width: this run across, the other one up.",
            focus_clicked,
        )
    with right:
        _words(cells, focus, measures)


def _axis(job: Job) -> str:
    asked = job.question["config"]
    return f"{METHOD_NAMES[asked['method']]}, {asked['images']:,} images"


def _words(cells: Sequence[CommonCell], focus: str, measures: Measures) -> None:
    whole, by_bits = agreement(cells), agreement_by_bits(cells)
    st.markdown(f"**Rank correlation** (Spearman) over {whole.cells} common cells")
    with st.container(horizontal=True):
        st.metric("all", _number(whole, 3), width="content")
        for bits, one in by_bits.items():
            text = f"{one.cells} layers"
            st.metric(f"{bits} bits", _number(one, 2), width="content", help=text)
    st.markdown(_verdict(whole, by_bits))
    both = sum(cell.first.method == cell.second.method for cell in cells)
    alike = f" {both} of them were measured the same way in both." if both else ""
    line = " The dotted line is where both are equal." if measures.same_quantity else ""
    st.caption(
        f"One dot for each layer and bit width that both runs have, coloured by its bits."
        f"{alike}{line} "
        f"Strokes are 95 % intervals; rings mark {fmt.plain(focus)}. Click a dot to focus its "
        "layer."
    )


def _number(found: Agreement, digits: int) -> str:
    value = found.spearman
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def _verdict(whole: Agreement, by_bits: dict[int, Agreement]) -> str:
    if whole.spearman is None:
        return "All values of one side are equal: there is no order to compare."
    words = next((text for limit, text in _WORDS if whole.spearman >= limit), "different orders")
    known = {bits: one.spearman for bits, one in by_bits.items() if one.spearman is not None}
    if not known:
        return f"Both put the cells in **{words}**."
    low, high = min(known.values()), max(known.values())
    between = f"{low:.2f}" if len(known) == 1 else f"between {low:.2f} and {high:.2f}"
    return (
        f"Both put the cells in **{words}**; part of that is that fewer bits cost more, whichever "
        f"layer it is. Among the layers at one bit width the correlation is **{between}**."
    ).replace("-", "−")


def _other_measure(job: Job) -> Measure:
    return "exact" if job.question["config"]["method"] == "projected" else "projected"


def _nothing(job: Job) -> None:
    """What to do where there is no other run."""
    other = _other_measure(job)
    cost = (
        "one forward pass for each layer and bit width"
        if other == "exact"
        else "a few forward passes for the whole table"
    )
    with st.container(border=True, height=240, vertical_alignment="center"):
        st.markdown(
            "**There is no other run to compare with.** Measure the same question another way, on "
            "other images or with another loss: then every cell becomes a dot here, and one number "
            "says how well the ranks agree."
        )
        st.button(
            f"Measure it {METHOD_NAMES[other].lower()} too",
            icon=":material/compare_arrows:",
            on_click=_measure,
            args=(job, other),
            disabled=not can_go_on(job) or _impossible(question_of(job, other)),
            help=f"The same question by the {METHOD_NAMES[other].lower()} measure: {cost}.",
        )


def _impossible(question: SensitivityQuestion) -> bool:
    """Inputs of an exact run may have widths that a projected one lacks."""
    try:
        check_config(question.config)
    except BadInput:
        return True
    return False


def _measure(job: Job, method: Measure) -> None:
    engine().runner.submit(question_of(job, method))


def _following(job: Job) -> None:
    """Progress of the run that was started from here; the page follows when it ends."""
    question = question_of(job, _other_measure(job))
    known = engine().store.find(question.kind, to_json(question))
    if known is None or not known.active or known.lost() or job.active:
        return
    followed = known

    @st.fragment(run_every=1.0)
    def progress() -> None:
        now = engine().store.get(followed.id)
        if not now.active:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(now.fraction, 1.0), text=progress_text(now))
            st.button("Cancel", key="cancel-compared", on_click=cancel, args=(now.id,))

    progress()
