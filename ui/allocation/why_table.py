"""The rows of the table of layers: what is chosen, how surely, and what a step would do."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from qcore.allocate.explain import LayerExplanation, Step
from qcore.prepare.prepared import Prepared
from ui.allocation import signed
from ui.allocation.explained import Why
from ui.allocation.workbench import Answer
from ui.state import palette
from ui.theme import bit_color, text_on


def columns(answer: Answer) -> dict[str, Any]:
    """What matters first: it fits a wide screen."""
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "layer": text("layer", pinned=True, width=175),
        "bits": number("bits", format="%d", width=45, help="Weight bits in this allocation."),
        "pin": st.column_config.SelectboxColumn(
            "pin",
            options=list(dict.fromkeys(answer.problem.bits)),
            width=60,
            help="Fix this layer's bits; empty: the solver decides.",
        ),
        "loss": number("ΔL here", width=80, help="What this layer adds at its bits."),
        "rate": st.column_config.ProgressColumn(
            "flip rate",
            format="%.0f %%",
            min_value=0,
            max_value=100,
            width=95,
            help="How often the layer's bits change when all sensitivities are drawn anew within "
            "their intervals (200 draws). High: the choice is within the noise.",
        ),
        "down": text("one down", width=130, help="ΔL and cost of the next narrower option."),
        "up": text("one up", width=130, help="ΔL and cost of the next wider option."),
        "flips": text(
            f"flips at ({answer.unit.suffix})",
            width=115,
            help="Along the frontier the layer has fewer bits below the first budget, and more "
            "from the second one on.",
        ),
        "pin_cost": number("pin costs", width=75, help="ΔL that its pin adds in all."),
        "interval": text("95 %", width=140, help="Interval of the ΔL here."),
        "share": number("weights", width=75, help="Share of all weights."),
    }


def layer_row(prepared: Prepared, answer: Answer, why: Why, index: int) -> dict[str, Any]:
    """That of one layer."""
    layer = prepared.network.layers[index]
    found = why.explanation.layers[index]
    measured = answer.bench.table.config.widths[found.option]
    cell = answer.bench.table.row(layer.name, measured.bits, measured.activation_bits)
    rates, name = why.rates, answer.dialled.budget
    return {
        "layer": layer.name,
        "bits": answer.problem.options[found.option].bits,
        "pin": dict(answer.dialled.pins).get(layer.name),
        "loss": None if cell is None else cell.delta_loss,
        "rate": None if rates is None else 100 * float(rates[index]),
        "down": _step(found.down, name),
        "up": _step(found.up, name),
        "flips": _flips(found, answer),
        "pin_cost": found.pin_cost,
        "interval": "" if cell is None else signed.interval(cell.ci_low, cell.ci_high),
        "share": 100 * layer.weight_count / prepared.network.weight_count,
    }


def _step(step: Step | None, name: str) -> str:
    """Example: +0.0116, −216 B."""
    return "" if step is None else f"{signed.loss(step.loss)}, {signed.cost(name, step.cost)}"


def _flips(found: LayerExplanation, answer: Answer) -> str:
    """The budgets as the dial shows them: with what no layer decides. Example: 2.31 and 2.62."""
    offset, unit = answer.problem.offsets[answer.dialled.budget], answer.unit

    def place(value: float) -> str:
        return f"{(value + offset) / unit.per_unit:.{unit.decimals}f}"

    below, above = found.flips_below, found.flips_above
    if below is None:
        return "" if above is None else f"from {place(above)}"
    return f"below {place(below)}" if above is None else f"{place(below)} and {place(above)}"


def styled(frame: pd.DataFrame) -> Any:
    """Bits in the bit ramp; the first row, the focused layer, in the colour of focus."""
    focus = palette().focus

    def ramp(bits: Any) -> str:
        color = bit_color(bits)
        return f"background-color: {color}; color: {text_on(color)}"

    def first(column: pd.Series) -> list[str]:
        return [f"color: {focus}; font-weight: bold", *[""] * (len(column) - 1)]

    frame = frame.astype({"pin": "Int64", "loss": "float", "pin_cost": "float"})
    style = frame.style.map(ramp, subset=["bits"]).apply(first, subset=["layer"])
    texts: dict[Any, Any] = {"loss": signed.loss, "pin_cost": signed.loss, "share": _share}
    return style.format(texts, na_rep="")


def _share(percent: float) -> str:
    return "< 0.1 %" if percent < 0.1 else f"{percent:.1f} %"
