"""Tiles, bits of each layer, and the curve that the allocation lies on."""

from __future__ import annotations

import streamlit as st

from qcore.allocate.curve import best_uniform, frontier_points, random_points, uniform_points
from qcore.hardware.size import full_precision_bytes, size_ledger
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.table import SensitivityTable
from ui import format as fmt
from ui.allocation.dial import Choice
from ui.charts import chart
from ui.evaluations import Setting, measured
from ui.figures.allocation import Curves, MeasuredPoint, bits_figure, pareto_figure
from ui.select import focus_clicked
from ui.state import focused_layer, palette

_RANDOM_POINTS = 300


def overview(
    prepared: Prepared,
    setting: Setting | None,
    table: SensitivityTable,
    choice: Choice,
    inputs: int | None,
) -> None:
    """Tiles, bits per layer, and the curve. ``inputs``: bits of every layer's input."""
    _tiles(prepared, table, choice, inputs)
    left, right = st.columns(2)
    with left:
        st.markdown("**Bits of each layer.** Click a bar to focus it.")
        chart(
            bits_figure(prepared.network, choice.bits, focused_layer(prepared), palette()),
            "allocate-bits",
            "Bars: weight bits of each layer in running order.",
            focus_clicked,
        )
        _focus_line(prepared, table, choice)
    with right:
        st.markdown("**Loss against size**")
        _curve(prepared, setting, table, choice)


def _tiles(prepared: Prepared, table: SensitivityTable, choice: Choice, inputs: int | None) -> None:
    point, full = choice.point, full_precision_bytes(prepared.network)
    uniform = best_uniform(choice.problem, choice.budget, choice.value)
    with st.container(horizontal=True):
        _metric("Size", fmt.size(point.size_bytes), _ledger(prepared, choice))
        _metric(
            "Smaller than 32 bit",
            f"{full / point.size_bytes:.2f} ×",
            f"The whole network at 32 bit is {fmt.size(full)}.",
        )
        _metric("Average bits", f"{point.average_bits:.3f}", "Per weight of the quantized layers.")
        _metric(
            predicted_label(inputs),
            fmt.loss(point.predicted_loss),
            f"Sum of the layers' measured {table.config.quantity_in_unit()}, of the weights "
            "alone. Interactions between layers and the rounding of inputs are not in it: measure "
            "to know.",
        )
        _metric(
            "Best uniform in budget",
            "none fits" if uniform is None else fmt.loss(uniform.predicted_loss),
            "Predicted ΔL of one bit width in every layer"
            + ("." if uniform is None else f": {uniform.average_bits:.0f} bits."),
        )
    gap = choice.allocation.gap
    proof = "gap unknown" if gap is None else f"gap {gap:.1g}" if gap else "proven optimal (gap 0)"
    st.caption(
        f":material/check_circle: Integer program solved in {choice.allocation.seconds:.2f} s, "
        f"{proof}, for the sum of the layers' ΔL."
    )
    if inputs is not None:
        st.caption(
            ":material/info: Predicted ΔL, frontier, uniform line and cloud are of the weights "
            f"alone, with inputs at full precision. Only a measurement has the {inputs}-bit inputs "
            "in it."
        )


def predicted_label(inputs: int | None) -> str:
    """What the prediction is called: the rounding of inputs is not in it."""
    return "Predicted ΔL" if inputs is None else "Predicted ΔL, weights alone"


def _metric(label: str, value: str, text: str) -> None:
    st.metric(label, value, border=True, help=text)


def _curve(
    prepared: Prepared, setting: Setting | None, table: SensitivityTable, choice: Choice
) -> None:
    curves = Curves(
        frontier_points(choice.problem),
        uniform_points(choice.problem),
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
        for m in ([] if setting is None else measured(prepared, setting))
        if setting is not None
        and (m.activation_bits, m.clipping) == (setting.activation_bits, setting.used_clipping)
    ]
    full = full_precision_bytes(prepared.network)
    chart(
        pareto_figure(
            curves, choice.point, points, full, table.config.quantity_in_unit(), palette()
        ),
        "allocate-pareto",
        "Predicted added loss against size: best allocations, uniform ones, random ones.",
    )


def _focus_line(prepared: Prepared, table: SensitivityTable, choice: Choice) -> None:
    name = focused_layer(prepared)
    bits = choice.bits[name]
    row = table.row(name, bits)
    layer = prepared.network.layer(name)
    share = layer.weight_count / prepared.network.weight_count
    added = "" if row is None else f", adds ΔL {fmt.loss(row.delta_loss)}"
    st.caption(f"**{fmt.plain(name)}**: {bits} bits, {share:.1%} of all weights{added}.")


def _ledger(prepared: Prepared, choice: Choice) -> str:
    ledger = size_ledger(prepared.network, choice.bits)
    return (
        f"Weights {fmt.size(ledger.weight_bytes)}, scales {fmt.size(ledger.scale_bytes)}, biases "
        f"and constants at 32 bit {fmt.size(ledger.other_bytes)}."
    )
