"""Predicted and measured, side by side."""

from __future__ import annotations

import streamlit as st

from qcore.allocate.baselines import uniform_allocations
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.allocation import signed
from ui.allocation.held_out import HeldOut
from ui.allocation.measured_table import table
from ui.allocation.ratios import Uniform, ratios, uniform
from ui.allocation.words import predicted_label
from ui.allocation.workbench import Answer
from ui.evaluations import Measurement, measurement_of, start


def measured_section(prepared: Prepared, held: HeldOut, answer: Answer) -> None:
    """This allocation against the uniform ones, on images that were not used to choose."""
    own = held.own
    assert own is not None
    if own.job is not None and own.job.state == "failed":
        st.error(fmt.plain(own.job.message), icon=":material/error:")
    if own.result is not None:
        _tiles(own.result, answer)
    beside = uniform(prepared, held, answer)
    ratios(own.result, beside)
    _buttons(own, beside, _uniform_line(prepared, held, answer))
    table(held, answer)


def _buttons(own: Measurement, beside: Uniform, line: list[Measurement]) -> None:
    asked = {
        "Measure these": (
            [own, *beside.each.values()],
            ":material/balance:",
            "This allocation, and uniform bits with and without bias correction.",
        ),
        "Measure the uniform line too": (
            line,
            ":material/horizontal_rule:",
            "The same bits in every layer, at each bit width of the table.",
        ),
    }
    with st.container(horizontal=True):
        for label, (wanted, icon, text) in asked.items():
            missing = [one for one in wanted if not one.asked]
            st.button(
                label, icon=icon, on_click=start, args=(missing,), disabled=not missing, help=text
            )


def _uniform_line(prepared: Prepared, held: HeldOut, answer: Answer) -> list[Measurement]:
    each = uniform_allocations(answer.bench.free.problem)
    widths = [answer.problem.widths(allocation.choice) for allocation in each]
    return [measurement_of(prepared, one, held.setting) for one in widths]


def _tiles(result: Evaluation, answer: Answer) -> None:
    with st.container(horizontal=True):
        st.metric(
            predicted_label(answer),
            signed.loss(answer.found.costs["loss"]),
            border=True,
            help="On the calibration images, summed over layers.",
        )
        st.metric(
            "Measured ΔL",
            signed.loss(result.delta_loss),
            border=True,
            help=f"95 %: {signed.interval(result.delta_low, result.delta_high)}, "
            f"{result.samples:,} held-out images.",
        )
        if result.accuracy is not None and result.baseline_accuracy is not None:
            st.metric(
                "Accuracy",
                f"{result.accuracy:.2%}",
                border=True,
                help=f"Full precision: {result.baseline_accuracy:.2%}.",
            )
            st.metric("Full precision", f"{result.baseline_accuracy:.2%}", border=True)
        if result.agreement is not None:
            st.metric(
                "Agreement",
                f"{result.agreement:.1%}",
                border=True,
                help="Images on which the quantized network chooses full precision's class.",
            )
