"""Bits of single kernels within the same budgets."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from qcore.allocate import Allocation, InfeasibleBudget, SolverTimeout
from qcore.allocate.chosen import kernels_to_bit_allocation
from qcore.allocate.kernels import KernelProblem, estimates_in
from qcore.allocate.solve import solve_kernels
from qcore.errors import BadInput
from qcore.jobs.answers import kernel_answer
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import Prepared
from qcore.quantize.limits import WeightBits
from ui import format as fmt
from ui.allocation.clipping import clipping_in_use
from ui.allocation.ratios import missing, ratios
from ui.allocation.units import amount
from ui.allocation.words import predicted_label
from ui.allocation.workbench import Answer
from ui.charts import chart
from ui.downloads import download, json_text
from ui.engine import engine
from ui.evaluations import (
    Setting,
    evaluation_of,
    evaluation_of_bits,
    result_of,
    start_bits,
    start_evaluations,
    under_way,
)
from ui.figures.kernel_bits import kernel_bits_figure
from ui.models import file_name_of
from ui.state import job_in_url, palette


@dataclass(frozen=True, eq=False)
class _Found:
    """Bits of kernels, or why there are none."""

    problem: KernelProblem | None = None
    allocation: Allocation | None = None
    trouble: str = ""


def kernels_section(prepared: Prepared, answer: Answer, setting: Setting | None) -> None:
    """What choosing for every kernel adds to choosing for every layer; measured and exported."""
    found = _solved(f"{answer.key}|{job_in_url()}", answer, job_in_url())
    if found.problem is None or found.allocation is None:
        st.info(found.trouble, icon=":material/info:")
        return
    bits = found.problem.choose(found.allocation.choice)
    _tiles(prepared, answer, found, setting)
    st.caption(
        "Every kernel may take one width more or fewer than its layer has, within the same "
        "budgets. Single kernels are estimated from few images, and of thousands of estimates "
        "those that look best are so by chance too: measure before you believe it."
    )
    chart(
        kernel_bits_figure(prepared.network, bits, palette()),
        "allocate-kernels",
        "Share of each layer's kernels at each bit width.",
    )
    if setting is not None:
        job = evaluation_of_bits(prepared, bits, _inputs(found.problem), setting)
        ratios(prepared, setting, answer, result_of(job))
    with st.container(horizontal=True, vertical_alignment="center"):
        if setting is not None:
            _measure(prepared, answer, found.problem, bits, setting)
        _export(prepared, answer, found)


def _tiles(prepared: Prepared, answer: Answer, found: _Found, setting: Setting | None) -> None:
    assert found.problem is not None
    assert found.allocation is not None
    costs, layers = found.problem.costs(found.allocation), answer.costs
    with st.container(horizontal=True):
        for name, label in (("size_bytes", "Size"), ("average_bits", "Average bits")):
            beside = f"Of bits per layer: {amount(name, layers[name])}."
            st.metric(label, amount(name, costs[name]), border=True, help=beside)
        st.metric(
            predicted_label(answer),
            fmt.loss(costs["loss"]),
            border=True,
            help=f"Of bits per layer: {fmt.loss(layers['loss'])}.",
        )
        if setting is None:
            return
        inputs = _inputs(found.problem)
        bits = found.problem.choose(found.allocation.choice)
        own = result_of(evaluation_of_bits(prepared, bits, inputs, setting))
        other = result_of(evaluation_of(prepared, answer.named, setting))
        for label, result in (("Measured ΔL", own), ("Per layer, measured ΔL", other)):
            st.metric(
                label,
                "–" if result is None else fmt.loss(result.delta_loss),
                _verdict(own, other) if result is own else None,
                delta_color="off",
                delta_arrow="off",
                border=True,
                help="Not measured yet."
                if result is None
                else f"95 %: {fmt.interval(result.delta_low, result.delta_high)}, "
                f"{result.samples:,} held-out images.",
            )


def _verdict(own: Evaluation | None, other: Evaluation | None) -> str | None:
    """Whether it was worth it, once both are measured."""
    if own is None or other is None:
        return None
    change = own.delta_loss - other.delta_loss
    return f"{'worse' if change > 0 else 'better'} by {fmt.loss(abs(change))}"


def _measure(
    prepared: Prepared,
    answer: Answer,
    problem: KernelProblem,
    bits: dict[str, WeightBits],
    setting: Setting,
) -> None:
    inputs, others = _inputs(problem), missing(prepared, setting, answer)
    done = under_way(evaluation_of_bits(prepared, bits, inputs, setting))

    def start() -> None:
        start_bits(prepared, bits, inputs, setting)
        start_evaluations(prepared, others)

    st.button(
        "Measure on held-out images",
        icon=":material/science:",
        on_click=start,
        disabled=done and not others,
        help="Bits per kernel; beside them bits per layer, and uniform bits with and without bias "
        "correction.",
    )


def _export(prepared: Prepared, answer: Answer, found: _Found) -> None:
    assert found.problem is not None
    assert found.allocation is not None
    table = answer.bench.table
    written = kernels_to_bit_allocation(
        found.problem, table, found.allocation, clipping_in_use(table)
    )
    bits = found.problem.costs(found.allocation)["average_bits"]
    name = f"{file_name_of(prepared.network.name)}-{bits:.2f}bits-kernels.json"
    download("Configuration (JSON)", json_text(written.to_json()), name, "kernels-json")


def _inputs(problem: KernelProblem) -> dict[str, int | None]:
    """The bits of every layer's input, all the same."""
    bits = problem.layers.options[0].activation_bits
    return {layer.name: bits for layer in problem.layers.network.layers}


@st.cache_resource(max_entries=32, show_spinner=False)
def _solved(key: str, _answer: Answer, job_id: str | None) -> _Found:
    table = _answer.bench.table
    job = None if job_id is None else engine().store.get(job_id)
    known = None
    if job is not None and (table.config.method, table.config.target) == ("projected", "weight"):
        known = kernel_answer(engine().store, job)
    if known is None:
        return _Found(
            trouble="Single kernels are known of projected runs of weights alone: measure "
            "sensitivity with **Projected** and **Weights**."
        )
    try:
        estimates = estimates_in(known, table.config.objective)
        return _Found(*solve_kernels(_answer.problem, estimates))
    except BadInput as error:
        return _Found(trouble=fmt.plain(str(error)))
    except (InfeasibleBudget, SolverTimeout):
        return _Found(
            trouble="The widths of kernels have to be stored too, and with them this budget cannot "
            "be met; dial a larger one."
        )
