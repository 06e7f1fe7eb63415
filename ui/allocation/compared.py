"""One of the configurations that are compared, and its tiles."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from qcore.allocate import evaluate
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.config import Width
from ui import format as fmt
from ui.allocation import session, units
from ui.allocation.dialled import Widths, without_kept
from ui.allocation.workbench import Answer
from ui.evaluations import Setting, evaluation_of, result_of, under_way

NOW = "now"
"""What the configuration on the dial is called."""

_OF_WEIGHTS = ("size_bytes", "average_bits", "size_ratio", "loss")
_SHOWN = ("size_bytes", "average_bits", "bops", "latency_ms", "energy_mj")


@dataclass(frozen=True, eq=False)
class Compared:
    """One configuration: its name, widths, costs by name with its loss (None where this table has
    no price for it), and its measurement."""

    name: str
    widths: Widths
    costs: dict[str, float] | None
    result: Evaluation | None
    waiting: bool


def compared(
    prepared: Prepared, setting: Setting | None, answer: Answer, name: str, widths: Widths
) -> Compared:
    """Price it by the problem on the dial, and look up its measurement."""
    choice, costs = answer.problem.choice_of(widths), None
    if choice is not None:
        costs = answer.problem.costs(evaluate(answer.problem.problem, choice))
        if not set(widths) <= set(answer.problem.options):
            # Its inputs have other bits than the dialled ones: no price for what these count in.
            costs = {name: cost for name, cost in costs.items() if name in _OF_WEIGHTS}
    job = None
    if setting is not None:
        job = evaluation_of(prepared, named(prepared, widths), setting)
    return Compared(name, widths, costs, result_of(job), under_way(job))


def named(prepared: Prepared, widths: Widths) -> dict[str, Width]:
    """Layer -> its width."""
    return {la.name: width for la, width in zip(prepared.network.layers, widths, strict=True)}


def tiles(one: Compared, reference: Compared, number: int) -> None:
    """Its figures with differences to the reference; ``number``: which of those kept it is."""
    with st.container(horizontal=True, vertical_alignment="center", height=40, border=False):
        st.markdown(f"**{'On the dial' if one.name == NOW else one.name}**")
        if one.name != NOW:
            st.button(
                "Remove",
                key=f"remove-{one.name}",
                icon=":material/bookmark_remove:",
                type="tertiary",
                on_click=lambda: session.change(without_kept(session.now(), number)),
            )
    inputs = {w.activation_bits for w in one.widths if w.activation_bits is not None}
    if inputs:
        st.caption(f"layer inputs: {', '.join(map(str, sorted(inputs)))} bits")
    if one.costs is None:
        st.caption("These widths are not in this sensitivity table.")
        return
    for name in (name for name in _SHOWN if name in one.costs):
        other = None if reference.costs is None else reference.costs.get(name)
        st.metric(
            units.title(name),
            units.amount(name, one.costs[name]),
            _delta(name, one.costs[name], other),
            delta_color="inverse",
        )
    other = None if reference.costs is None else reference.costs["loss"]
    _loss_tile("Predicted ΔL", one.costs["loss"], other)
    if one.result is None:
        st.metric("Measured ΔL", "…" if one.waiting else "–", help="Measure it with the button.")
    else:
        theirs = None if reference.result is None else reference.result.delta_loss
        _loss_tile("Measured ΔL", one.result.delta_loss, theirs)


def _loss_tile(label: str, value: float, other: float | None) -> None:
    delta = None if other is None or other == value else fmt.loss(value - other)
    st.metric(label, fmt.loss(value), delta, delta_color="inverse")


def _delta(name: str, value: float, other: float | None) -> str | None:
    """The difference with its sign, in the value's unit; None where there is none."""
    if other is None or abs(value - other) <= 1e-9 * max(abs(value), abs(other)):
        return None
    sign = "-" if value < other else "+"
    return f"{sign}{units.amount(name, abs(value - other))}"
