"""Predicted and measured, side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from qcore.allocate.curve import uniform_points
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from ui import format as fmt
from ui.allocation.dial import Choice
from ui.allocation.overview import predicted_label
from ui.evaluations import (
    Measured,
    Setting,
    evaluation_of,
    measured,
    pending_evaluations,
    start_evaluation,
)
from ui.jobs import progress_text

_COLUMNS = {
    "size": st.column_config.NumberColumn("size (kB)", format="%.1f"),
    "average": st.column_config.NumberColumn("average bits", format="%.3f"),
    "inputs": st.column_config.TextColumn("layer inputs"),
    "predicted": st.column_config.NumberColumn(
        "predicted ΔL", format="%+.5f", help="Of the weights alone, summed over layers."
    ),
    "measured": st.column_config.NumberColumn("measured ΔL", format="%+.5f"),
    "low": st.column_config.NumberColumn("95 % from", format="%+.5f"),
    "high": st.column_config.NumberColumn("to", format="%+.5f"),
    "accuracy": st.column_config.NumberColumn("accuracy", format="%.2f %%"),
    "agreement": st.column_config.NumberColumn("agreement", format="%.2f %%"),
}


def measure_panel(
    prepared: Prepared, setting: Setting, table: SensitivityTable, choice: Choice
) -> None:
    """Measure this allocation, and the uniform ones, on images not used to choose."""
    st.subheader("Predicted and measured", anchor=False)
    job = evaluation_of(prepared, choice.bits, setting)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            f"Measure on {setting.pair.evaluation.images:,} held-out images",
            type="primary",
            icon=":material/science:",
            on_click=start_evaluation,
            args=(prepared, choice.bits, setting),
            disabled=_there(job),
            help="Runs the quantized network; the result is kept.",
        )
        st.button(
            "Measure the uniform line too",
            icon=":material/horizontal_rule:",
            on_click=_measure_uniform,
            args=(prepared, setting, choice),
            disabled=not _missing_uniform(prepared, setting, choice),
            help="The same bits in every layer, at each bit width.",
        )
    _follow(prepared, setting)
    _results(prepared, setting, table, choice, job)


def _measure_uniform(prepared: Prepared, setting: Setting, choice: Choice) -> None:
    for bits in _missing_uniform(prepared, setting, choice):
        start_evaluation(prepared, bits, setting)


def _missing_uniform(prepared: Prepared, setting: Setting, choice: Choice) -> list[dict[str, int]]:
    """Bits of the uniform allocations that are neither measured nor about to be."""
    points = [point.bits for point in uniform_points(choice.problem)]
    return [bits for bits in points if not _there(evaluation_of(prepared, bits, setting))]


def _there(job: Job | None) -> bool:
    """Measured, or about to be."""
    return job is not None and (job.state == "finished" or (job.active and not job.lost()))


def _follow(prepared: Prepared, setting: Setting) -> None:
    """Progress of measurements under way; each one that ends redraws the page."""
    pending = len(pending_evaluations(prepared, setting))

    @st.fragment(run_every=0.5 if pending else None)
    def live() -> None:
        now = pending_evaluations(prepared, setting)
        if len(now) < pending:
            st.rerun()
        with st.container(height=40, border=False):
            if now:
                queue = f" ({len(now)} to go)" if len(now) > 1 else ""
                text = f"Measuring{queue}: {progress_text(now[0])}"
                st.progress(min(now[0].fraction, 1.0), text=text)

    live()


def _results(
    prepared: Prepared,
    setting: Setting,
    table: SensitivityTable,
    choice: Choice,
    job: Job | None,
) -> None:
    if job is not None and job.state == "failed":
        st.error(fmt.plain(job.message), icon=":material/error:")
    if job is not None and job.state == "finished" and job.result is not None:
        _tiles(Evaluation.from_json(job.result), choice, setting)
    rows = sorted(measured(prepared, setting), key=lambda row: row.size_bytes)
    if not rows:
        st.caption(
            "Nothing measured yet. The prediction above adds up single layers; the truth "
            "may differ, and only a measurement shows by how much."
        )
        return
    st.dataframe(
        pd.DataFrame([_row(row, setting, table, choice) for row in rows]).dropna(
            axis="columns", how="all"
        ),
        hide_index=True,
        column_config=_COLUMNS,
        alt="All measured allocations: predicted beside measured.",
    )


def _tiles(result: Evaluation, choice: Choice, setting: Setting) -> None:
    with st.container(horizontal=True):
        st.metric(
            predicted_label(setting.activation_bits),
            fmt.loss(choice.point.predicted_loss),
            border=True,
            help="On the calibration images, of the weights alone.",
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


def _row(
    row: Measured, setting: Setting, table: SensitivityTable, choice: Choice
) -> dict[str, object]:
    result = row.evaluation
    as_measured = row.clipping.of("weight") == table.config.clipping
    return {
        "allocation": _label(row, setting, choice),
        "size": row.size_bytes / 1000,
        "average": row.average_bits,
        "inputs": _inputs(row.activation_bits),
        "clipping": _clipping(row),
        "predicted": choice.problem.predicted_loss(row.bits) if as_measured else None,
        "measured": result.delta_loss,
        "low": result.delta_low,
        "high": result.delta_high,
        "accuracy": None if result.accuracy is None else 100 * result.accuracy,
        "agreement": None if result.agreement is None else 100 * result.agreement,
        "images": result.samples,
    }


def _inputs(bits: int | None) -> str:
    return "full precision" if bits is None else f"{bits} bits"


def _clipping(row: Measured) -> str:
    weight = f"weights {row.clipping.text('weight')}"
    if row.activation_bits is None:
        return weight
    return f"{weight}; inputs {row.clipping.text('activation')}"


def _label(row: Measured, setting: Setting, choice: Choice) -> str:
    own = (choice.bits, setting.activation_bits, setting.used_clipping)
    if (row.bits, row.activation_bits, row.clipping) == own:
        return "this budget"
    widths = set(row.bits.values())
    return f"uniform {widths.pop()} bit" if len(widths) == 1 else "mixed"
