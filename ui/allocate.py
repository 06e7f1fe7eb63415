"""The allocate page: a budget, the best bits within it, prediction beside measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from qcore.allocate import Allocation, solve_ilp
from qcore.allocate.budget import TableProblem, table_problem, to_bit_allocation, with_budget
from qcore.allocate.curve import (
    CurvePoint,
    curve_point,
    frontier_points,
    random_points,
    uniform_points,
)
from qcore.hardware.size import full_precision_bytes, size_ledger
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.table import Objective, SensitivityTable
from ui import format as fmt
from ui.charts import chart
from ui.downloads import allocation_csv, download, json_text
from ui.figures.allocation import Curves, MeasuredPoint, bits_figure, pareto_figure
from ui.jobs import progress_text
from ui.results import Measured, evaluation_of, measured, pending_evaluations, start_evaluation
from ui.select import focus_clicked
from ui.state import focused_layer, palette

_RANDOM_POINTS = 300


@dataclass(frozen=True)
class Unit:
    """How a budget is dialled: ``per_unit`` of the budget's own unit is one of the slider's."""

    budget: str
    per_unit: float
    step: float
    format: str


_UNITS = {
    "Size": Unit("size_bytes", 1000.0, 0.1, "%.1f kB"),
    "Average bits": Unit("average_bits", 1.0, 0.05, "%.2f bits"),
    "Share of 32 bit": Unit("size_ratio", 0.01, 0.1, "%.1f %%"),
}


@dataclass(frozen=True, eq=False)
class Choice:
    """The problem under the dialled budget and its solution."""

    problem: TableProblem
    allocation: Allocation
    point: CurvePoint

    @property
    def bits(self) -> dict[str, int]:
        return self.point.bits


def dial(prepared: Prepared, table: SensitivityTable) -> Choice:
    """The budget and its unit; returns the best allocation within it."""
    base = table_problem(table)
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.segmented_control(
            "Budget", list(_UNITS), default="Size", required=True, key="unit", bind="query-params"
        )
        unit = _UNITS[name]
        low, high = (round(v / unit.per_unit, 6) for v in base.limits(unit.budget))
        value = st.slider(
            f"{name} of at most",
            min_value=_up(low, unit.step),
            max_value=_up(high, unit.step),
            value=_middle(base, unit),
            step=unit.step,
            format=unit.format,
            key=f"budget_{unit.budget}",
            bind="query-params",
            help="Smallest: every layer at its fewest bits. Largest: every layer at its most.",
        )
    allocation = _solve(table_key(table), unit.budget, value * unit.per_unit, base)
    return Choice(base, allocation, curve_point(base, allocation))


def overview(prepared: Prepared, table: SensitivityTable, choice: Choice) -> None:
    """Tiles, bits per layer, and the curve."""
    network, point = prepared.network, choice.point
    full = full_precision_bytes(network)
    uniform = uniform_points(choice.problem)
    rival = max(
        (u for u in uniform if u.size_bytes <= point.size_bytes + 1e-6),
        key=lambda u: u.size_bytes,
        default=None,
    )
    with st.container(horizontal=True):
        st.metric("Size", fmt.size(point.size_bytes), border=True, help=_ledger(prepared, choice))
        st.metric(
            "Smaller than 32 bit",
            f"{full / point.size_bytes:.2f} ×",
            border=True,
            help=f"The whole network at 32 bit is {fmt.size(full)}.",
        )
        st.metric(
            "Average bits",
            f"{point.average_bits:.3f}",
            border=True,
            help="Per weight of the quantized layers.",
        )
        st.metric(
            "Predicted ΔL",
            fmt.loss(point.predicted_loss),
            border=True,
            help="Sum of the layers' measured ΔL, nats per image. Interactions between layers "
            "are not in it: measure to know.",
        )
        st.metric(
            "Best uniform that fits",
            "none" if rival is None else fmt.loss(rival.predicted_loss),
            border=True,
            help="Predicted ΔL of the same bits in every layer, within the same size."
            if rival is None
            else f"{rival.average_bits:.0f} bits in every layer, {fmt.size(rival.size_bytes)}.",
        )
    gap = choice.allocation.gap
    st.caption(
        f":material/check_circle: Integer program solved in {choice.allocation.seconds:.2f} s, "
        + ("gap unknown." if gap is None else f"gap {gap:.1g} (0 is proven optimal).")
    )
    left, right = st.columns([1, 1])
    with left:
        st.markdown("**Bits of each layer**")
        chart(
            bits_figure(network, point.bits, focused_layer(prepared), palette()),
            "allocate-bits",
            "Bars: weight bits of each layer in running order.",
            focus_clicked,
        )
        _focus_line(prepared, table, choice)
    with right:
        st.markdown("**Loss against size**")
        curves = Curves(
            frontier_points(choice.problem),
            uniform,
            random_points(choice.problem, _RANDOM_POINTS, seed=0),
        )
        points = [
            MeasuredPoint(
                f"{m.average_bits:.2f} bits on average",
                m.size_bytes,
                m.evaluation.delta_loss,
                m.evaluation.delta_low,
                m.evaluation.delta_high,
            )
            for m in measured(prepared, table.config.objective)
        ]
        chart(
            pareto_figure(curves, point, points, full, palette()),
            "allocate-pareto",
            "Predicted added loss against size: best allocations, uniform ones, random ones.",
        )


def measure_panel(prepared: Prepared, table: SensitivityTable, choice: Choice) -> None:
    """Measure this allocation, and the uniform ones, on images not used to choose."""
    data, objective = prepared.evaluation, table.config.objective
    assert data is not None
    st.subheader("Predicted and measured", anchor=False)
    job = evaluation_of(prepared, choice.bits, objective)
    busy = job is not None and job.active and not job.lost()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.button(
            f"Measure on {data.images:,} held-out images",
            type="primary",
            icon=":material/science:",
            on_click=start_evaluation,
            args=(prepared, choice.bits, objective),
            disabled=busy or (job is not None and job.state == "finished"),
            help="Runs the quantized network; the result is kept.",
        )
        st.button(
            "Measure the uniform line too",
            icon=":material/horizontal_rule:",
            on_click=_measure_uniform,
            args=(prepared, choice, objective),
            help="The same bits in every layer, at each bit width.",
        )
    _results(prepared, table, choice)


def _measure_uniform(prepared: Prepared, choice: Choice, objective: Objective) -> None:
    for point in uniform_points(choice.problem):
        start_evaluation(prepared, point.bits, objective)


def _results(prepared: Prepared, table: SensitivityTable, choice: Choice) -> None:
    objective = table.config.objective
    jobs = pending_evaluations(prepared, objective)

    @st.fragment(run_every=0.5 if jobs else None)
    def live() -> None:
        now = pending_evaluations(prepared, objective)
        if len(now) < len(jobs):
            st.rerun()
        with st.container(height=40, border=False):
            if now:
                st.progress(min(now[0].fraction, 1.0), text=f"Measuring: {progress_text(now[0])}")

    live()
    job = evaluation_of(prepared, choice.bits, objective)
    if job is not None and job.state == "failed":
        st.error(job.message, icon=":material/error:")
    rows = sorted(measured(prepared, objective), key=lambda row: row.size_bytes)
    if not rows:
        st.caption(
            "Nothing measured yet. The prediction above adds up single layers; the truth "
            "may differ, and only a measurement shows by how much."
        )
        return
    if job is not None and job.state == "finished" and job.result is not None:
        _tiles(Evaluation.from_json(job.result), choice)
    st.dataframe(
        pd.DataFrame([_row(row, choice) for row in rows]),
        hide_index=True,
        column_config={
            "size": st.column_config.NumberColumn("size (kB)", format="%.1f"),
            "average": st.column_config.NumberColumn("average bits", format="%.3f"),
            "predicted": st.column_config.NumberColumn("predicted ΔL", format="%+.5f"),
            "measured": st.column_config.NumberColumn("measured ΔL", format="%+.5f"),
            "low": st.column_config.NumberColumn("95 % from", format="%+.5f"),
            "high": st.column_config.NumberColumn("to", format="%+.5f"),
            "accuracy": st.column_config.NumberColumn("accuracy", format="%.2f %%"),
            "agreement": st.column_config.NumberColumn("agreement", format="%.2f %%"),
        },
        alt="All measured allocations: predicted beside measured.",
    )


def _tiles(result: Evaluation, choice: Choice) -> None:
    with st.container(horizontal=True):
        st.metric(
            "Predicted ΔL",
            fmt.loss(choice.point.predicted_loss),
            border=True,
            help="On the calibration images.",
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
        st.metric(
            "Agreement",
            f"{result.agreement:.1%}",
            border=True,
            help="Images on which the quantized network chooses full precision's class.",
        )


def export(prepared: Prepared, table: SensitivityTable, choice: Choice) -> None:
    """The configuration as files."""
    allocation = to_bit_allocation(choice.problem, table, choice.allocation, "ilp")
    name = f"{prepared.network.name.removeprefix('sample:')}-{choice.point.average_bits:.2f}bits"
    st.subheader("Take it with you", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        download(
            "Configuration (JSON)", json_text(allocation.to_json()), f"{name}.json", "cfg-json"
        )
        csv = allocation_csv(allocation, prepared.network)
        download("Configuration (CSV)", csv, f"{name}.csv", "cfg-csv")
        st.caption(
            f"Measure it anywhere: `python -m qcore evaluate {prepared.network.name} "
            f"{table.data} --bits {name}.json`"
        )


def table_key(table: SensitivityTable) -> str:
    """Changes whenever the table's numbers do."""
    return f"{table.network.fingerprint}|{hash(table.rows)}"


@st.cache_data(max_entries=512, show_spinner=False)
def _solve(key: str, budget: str, value: float, _base: TableProblem) -> Allocation:
    return solve_ilp(with_budget(_base, budget, value).problem)


def _focus_line(prepared: Prepared, table: SensitivityTable, choice: Choice) -> None:
    name = focused_layer(prepared)
    bits = choice.bits[name]
    row = table.row(name, bits)
    layer = prepared.network.layer(name)
    share = layer.weight_count / prepared.network.weight_count
    added = "" if row is None else f", adds ΔL {fmt.loss(row.delta_loss)}"
    st.caption(f"**{name}**: {bits} bits, {share:.1%} of all weights{added}.")


def _row(row: Measured, choice: Choice) -> dict[str, object]:
    result = row.evaluation
    predicted = choice.problem.predicted_loss(row.bits)
    return {
        "allocation": _label(row, choice),
        "size": row.size_bytes / 1000,
        "average": row.average_bits,
        "predicted": predicted,
        "measured": result.delta_loss,
        "low": result.delta_low,
        "high": result.delta_high,
        "accuracy": None if result.accuracy is None else 100 * result.accuracy,
        "agreement": 100 * result.agreement,
        "images": result.samples,
    }


def _label(row: Measured, choice: Choice) -> str:
    if row.bits == choice.bits:
        return "this budget"
    widths = set(row.bits.values())
    return f"uniform {widths.pop()} bit" if len(widths) == 1 else "mixed"


def _ledger(prepared: Prepared, choice: Choice) -> str:
    ledger = size_ledger(prepared.network, choice.bits)
    return (
        f"Weights {fmt.size(ledger.weight_bytes)}, scales {fmt.size(ledger.scale_bytes)}, biases "
        f"and constants at 32 bit {fmt.size(ledger.other_bytes)}."
    )


def _up(value: float, step: float) -> float:
    return round(math.ceil(value / step - 1e-6) * step, 6)


def _middle(base: TableProblem, unit: Unit) -> float:
    """A first budget: what 4 bits everywhere would cost, or the middle where that is not in it."""
    low, high = base.limits(unit.budget)
    four = [p for p in uniform_points(base) if set(p.bits.values()) == {4}]
    cost = {"size_bytes": 0.0, "average_bits": 4.0, "size_ratio": 0.125}[unit.budget]
    if unit.budget == "size_bytes" and four:
        cost = four[0].size_bytes
    start = cost if low <= cost <= high else (low + high) / 2
    return _up(start / unit.per_unit, unit.step)
