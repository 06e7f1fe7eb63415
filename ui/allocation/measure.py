"""Predicted and measured, side by side."""

from __future__ import annotations

import streamlit as st

from qcore.allocate.baselines import uniform_allocations
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.config import Width
from ui import format as fmt
from ui.allocation.measured_table import table
from ui.allocation.ratios import missing, ratios
from ui.allocation.words import predicted_label
from ui.allocation.workbench import Answer
from ui.evaluations import (
    Setting,
    evaluation_of,
    result_of,
    start_evaluations,
    under_way,
)


def measured_section(prepared: Prepared, setting: Setting, answer: Answer) -> None:
    """This allocation against the uniform ones, on images that were not used to choose."""
    job = evaluation_of(prepared, answer.named, setting)
    if job is not None and job.state == "failed":
        st.error(fmt.plain(job.message), icon=":material/error:")
    result = result_of(job)
    if result is not None:
        _tiles(result, answer)
    ratios(prepared, setting, answer, result)
    _buttons(prepared, setting, answer)
    table(prepared, setting, answer)


def _buttons(prepared: Prepared, setting: Setting, answer: Answer) -> None:
    asked = {
        "Measure these": (
            missing(prepared, setting, answer),
            ":material/balance:",
            "This allocation, and uniform bits with and without bias correction.",
        ),
        "Measure the uniform line too": (
            [(widths, setting) for widths in _missing_uniform(prepared, setting, answer)],
            ":material/horizontal_rule:",
            "The same bits in every layer, at each bit width of the table.",
        ),
    }
    with st.container(horizontal=True):
        for label, (wanted, icon, text) in asked.items():
            st.button(
                label,
                icon=icon,
                on_click=start_evaluations,
                args=(prepared, wanted),
                disabled=not wanted,
                help=text,
            )


def _missing_uniform(
    prepared: Prepared, setting: Setting, answer: Answer
) -> list[dict[str, Width]]:
    """The uniform allocations that are neither measured nor about to be."""
    uniform = uniform_allocations(answer.bench.free.problem)
    each = [answer.problem.widths(allocation.choice) for allocation in uniform]
    return [one for one in each if not under_way(evaluation_of(prepared, one, setting))]


def _tiles(result: Evaluation, answer: Answer) -> None:
    with st.container(horizontal=True):
        st.metric(
            predicted_label(answer),
            fmt.loss(answer.found.costs["loss"]),
            border=True,
            help="On the calibration images, summed over layers.",
        )
        st.metric(
            "Measured ΔL",
            fmt.loss(result.delta_loss),
            border=True,
            help=f"95 %: {fmt.interval(result.delta_low, result.delta_high)}, "
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
