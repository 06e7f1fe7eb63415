"""The trust check: random configurations, measured, beside what the table predicts of them."""

from __future__ import annotations

import streamlit as st

from qcore.jobs.kept_trust import trust_check_of, trust_question
from qcore.jobs.questions import SensitivityQuestion, TrustQuestion, to_json
from qcore.measure.trust_draw import COUNT
from qcore.measure.trust_words import INTERACTING, SUM, check_lines
from qcore.measure.trusted import TrustCheck
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from ui import format as fmt
from ui.charts import chart
from ui.downloads import download, json_text
from ui.engine import engine
from ui.figures.trust import on_frame, trust_figure
from ui.figures.trust_order import trust_order_figure
from ui.jobs import cancel, progress_text
from ui.models import file_name_of
from ui.results import can_go_on
from ui.sensitivity.halves import halves
from ui.state import palette

_SECONDS = 2.0  # between two looks at a check that is being made
_FEWEST = 6  # of the points of an unfinished check, for a word on their errors
_BUTTON = "Run the trust check"


def trust_section(prepared: Prepared, job: Job, table: SensitivityTable) -> None:
    """The button, progress while the check is made, then its chart and its errors in words."""
    if not table.covered:
        st.caption(
            f"{len(table.rows)} of {table.cells} cells have a value. Once all have one, random "
            "configurations can be measured here, to see how far the table's sums are right."
        )
        return
    question = trust_question(SensitivityQuestion.from_json(job.question))
    known = engine().store.find(question.kind, to_json(question))
    if known is None:
        _nothing(job, table, question)
    elif known.active and not known.lost():
        _following(prepared, known, table)
    else:
        if known.state != "finished":
            _stopped(job, known, question)
        _show(prepared, known, table)


def _nothing(job: Job, table: SensitivityTable, question: TrustQuestion) -> None:
    """What the check is for, and what it costs."""
    with st.container(border=True, height=240, vertical_alignment="center"):
        st.markdown(
            "**How far can this table be trusted?** An allocation adds its rows up, but the errors "
            f"of layers can cancel or pile up. The check gives {COUNT} networks random bits in "
            "every layer, measures each on the images of the table, and draws what the table "
            "predicts of them against what they lose."
        )
        if table.config.method in ("hessian", "noise"):
            st.markdown(
                f"This measure ({table.config.quantity}) is not the loss, so sizes cannot be "
                "compared: the check says only whether the order is right."
            )
        _button(_BUTTON, "play_arrow", job, question)
        st.caption(_cost(table))


def _button(label: str, icon: str, job: Job, question: TrustQuestion) -> None:
    st.button(
        label,
        icon=f":material/{icon}:",
        on_click=_start,
        args=(question,),
        disabled=not can_go_on(job),
        help="What is measured stays on disk, and serves every table of the same quantizer, widths "
        "and images.",
    )


def _start(question: TrustQuestion) -> None:
    engine().runner.submit(question)


def _cost(table: SensitivityTable) -> str:
    """How many forward passes, and how long they take where that is known."""
    passes = COUNT + 1 + (table.config.base is not None)
    each = table.one_forward_seconds
    time = "" if each is None else f": about {fmt.duration(passes * each)} on this machine"
    return f"{passes} forward passes over {table.config.images:,} images{time}."


def _following(prepared: Prepared, known: Job, table: SensitivityTable) -> None:
    """Progress, and the points so far."""

    @st.fragment(run_every=_SECONDS)
    def live() -> None:
        now = engine().store.get(known.id)
        if not now.active:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            st.progress(min(now.fraction, 1.0), text=progress_text(now))
            st.button(
                "Cancel",
                key="cancel-trust",
                icon=":material/stop_circle:",
                on_click=cancel,
                args=(now.id,),
                disabled=now.cancel_requested,
                help="What is measured so far stays.",
            )
        _show(prepared, now, table)

    live()


def _stopped(job: Job, known: Job, question: TrustQuestion) -> None:
    reason = fmt.plain(known.message) if known.state == "failed" else "The check was stopped."
    if known.lost():
        reason = "The worker of this check is gone."
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/pause_circle: {reason} What was measured is kept.")
        _button("Go on with the check", "resume", job, question)


def _show(prepared: Prepared, known: Job, table: SensitivityTable) -> None:
    check = trust_check_of(engine().store, known, table)
    if not check.points:
        st.caption("No configuration has been measured yet.")
        return
    if known.state == "finished" or len(check.points) >= _FEWEST:
        st.markdown("  \n".join(_named(line) for line in check_lines(check) if line))
    else:
        st.markdown(f"Errors are put into words once {_FEWEST} configurations are measured.")
    drawn = trust_figure if check.same_unit else trust_order_figure
    left, right = halves()
    with left:
        chart(
            drawn(check, palette()),
            "sensitivity-trust",
            "One dot for every random configuration: measured loss across, the table's sum up.",
        )
    with right:
        _reading(check)
        _facts(known, table, check)
        name = file_name_of(prepared.network.name)
        download("Check (JSON)", json_text(check.to_json()), f"{name}-trust.json", "trust-json")


def _named(line: str) -> str:
    """The name of a prediction in bold."""
    name, colon, rest = line.partition(":")
    return f"**{name}**{colon}{rest}" if name in (SUM, INTERACTING) else line


def _reading(check: TrustCheck) -> None:
    """How to read the chart."""
    if not check.same_unit:
        st.markdown(
            "The order is right where every dot further right is also higher up. Strokes are 95 % "
            "intervals of the measured loss."
        )
        return
    rings = ""
    if check.interacting is not None:
        rings = (
            " Rings add how the errors of layers meet in the output, which the projections know."
        )
    st.markdown(
        "On the line a prediction is right; in the band it is off by less than a factor of two. "
        f"Dots add up the rows of the table.{rings} Strokes are 95 % intervals of the measured "
        "loss."
    )
    if edge := on_frame(check):
        st.caption(f"{edge} with a value at zero, below, or too small to draw: on the frame.")


def _facts(known: Job, table: SensitivityTable, check: TrustCheck) -> None:
    """What was measured, on what."""
    config = table.config
    bits = [point.average_bits for point in check.points]
    samples = min(point.samples for point in check.points)
    held = check.additive.within_interval
    inside = ""
    if held is not None and check.same_unit:
        inside = f" {100 * held:.0f} % of the sums lie within the measured interval."
    so_far = "" if samples == config.images else f" (so far {samples:,})"
    took = f" It took {fmt.duration(known.seconds)}." if known.state == "finished" else ""
    base = "full precision" if config.base is None else f"all at {config.base} bits"
    st.caption(
        f"{len(bits)} configurations of random bits, {min(bits):.1f} to {max(bits):.1f} on "
        f"average, against {base}. Measured on the {config.images:,} images of the table{so_far}, "
        "with its thresholds and bias corrections: the difference is the error of the estimate, "
        "not that of other images. The page Allocate measures on held-out ones."
        f"{inside}{took}"
    )
