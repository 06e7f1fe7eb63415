"""Bits of single kernels within the same budgets."""

from __future__ import annotations

from collections.abc import Mapping
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
from ui import format as fmt
from ui.allocation import signed
from ui.allocation.clipping import clipping_in_use
from ui.allocation.held_out import HeldOut
from ui.allocation.ratios import Uniform, ratios, uniform
from ui.allocation.units import amount
from ui.allocation.words import predicted_label
from ui.allocation.workbench import Answer
from ui.charts import chart
from ui.downloads import download, json_text
from ui.engine import engine
from ui.evaluations import Measurement, measurement, start
from ui.figures.kernel_bits import kernel_bits_figure
from ui.models import file_name_of
from ui.state import job_in_url, palette


@dataclass(frozen=True, eq=False)
class _Found:
    """Bits of kernels, or why there are none."""

    problem: KernelProblem | None = None
    allocation: Allocation | None = None
    trouble: str = ""


def kernels_section(prepared: Prepared, answer: Answer, held: HeldOut | None) -> None:
    """What choosing for every kernel adds to choosing for every layer; measured and exported."""
    found = _solved(f"{answer.key}|{job_in_url()}", answer, job_in_url())
    if found.problem is None or found.allocation is None:
        st.info(found.trouble, icon=":material/info:")
        return
    bits = found.problem.choose(found.allocation.choice)
    _predicted(answer, found.problem.costs(found.allocation))
    own = None
    if held is not None:
        own = measurement(prepared, bits, _inputs(found.problem), held.setting)
        beside = uniform(prepared, held, answer)
        _measured(own, held, beside)
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
    with st.container(horizontal=True, vertical_alignment="center"):
        if held is not None and own is not None:
            _measure([own, *([held.own] if held.own else []), *beside.each.values()])
        _export(prepared, answer, found)


def _predicted(answer: Answer, costs: Mapping[str, float]) -> None:
    """Tiles beside those of bits per layer."""
    layers = answer.costs
    with st.container(horizontal=True):
        for name, label in (("size_bytes", "Size"), ("average_bits", "Average bits")):
            _tile(label, amount(name, costs[name]), f"per layer {amount(name, layers[name])}")
        beside = f"per layer {signed.loss(layers['loss'])}"
        _tile(predicted_label(answer), signed.loss(costs["loss"]), beside)


def _measured(own: Measurement, held: HeldOut, beside: Uniform) -> None:
    """Whether it was worth it, once both are measured."""
    result, other = own.result, None if held.own is None else held.own.result
    if result is not None:
        text = f"95 %: {signed.interval(result.delta_low, result.delta_high)}, "
        text += f"{result.samples:,} held-out images."
        with st.container(horizontal=True):
            _tile("Measured ΔL", signed.loss(result.delta_loss), _verdict(result, other), text)
            if other is not None:
                text = f"95 %: {signed.interval(other.delta_low, other.delta_high)}."
                _tile("Per layer, measured ΔL", signed.loss(other.delta_loss), None, text)
    ratios(result, beside)


def _tile(label: str, value: str, beside: str | None, text: str | None = None) -> None:
    st.metric(
        label,
        value,
        beside,
        delta_color="off",
        delta_arrow="off",
        border=True,
        height="stretch",
        help=text,
    )


def _verdict(own: Evaluation, other: Evaluation | None) -> str | None:
    if other is None:
        return None
    change = own.delta_loss - other.delta_loss
    size = signed.loss(abs(change)).removeprefix("+")
    return f"{'worse' if change > 0 else 'better'} by {size} than per layer"


def _measure(wanted: list[Measurement]) -> None:
    missing = [one for one in wanted if not one.asked]
    st.button(
        "Measure on held-out images",
        icon=":material/science:",
        on_click=start,
        args=(missing,),
        disabled=not missing,
        help="Bits per kernel; beside them bits per layer, and uniform bits with and without bias "
        "correction.",
    )


def _export(prepared: Prepared, answer: Answer, found: _Found) -> None:
    assert found.problem is not None
    assert found.allocation is not None
    table = answer.bench.table
    written = kernels_to_bit_allocation(
        found.problem, table, found.allocation, "lagrangian", clipping_in_use(table)
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
    here = [known.bits.index(bits) for bits in table.config.bits]
    try:
        estimates = estimates_in(known, table.config.objective)[:, here]
        return _Found(*solve_kernels(_answer.problem, estimates))
    except BadInput as error:
        return _Found(trouble=fmt.plain(str(error)))
    except (InfeasibleBudget, SolverTimeout):
        return _Found(
            trouble="No bits per kernel were found within these budgets; dial larger ones."
        )
