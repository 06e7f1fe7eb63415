"""All that was measured of a network: predicted beside measured."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from qcore.allocate import evaluate
from ui.allocation import signed, units
from ui.allocation.from_search import kept_kernels
from ui.allocation.held_out import HeldOut
from ui.allocation.points import letter
from ui.allocation.workbench import Answer
from ui.components.live_dial import DialUnit
from ui.evaluations import Measured, Setting

_LOSSES = ("predicted", "measured", "low", "high")


def table(held: HeldOut, answer: Answer) -> None:
    """One line a measurement; without any, what it would tell."""
    rows = sorted(held.rows, key=lambda row: row.size_bytes)
    if not rows:
        st.caption(
            "Nothing measured yet. The prediction adds up single layers; the truth may differ, "
            "and only a measurement shows by how much. Press **Measure** above."
        )
        return
    unit = units.dial_unit(answer.bench.free, "size_bytes")
    frame = pd.DataFrame([_row(row, held.setting, answer, unit) for row in rows])
    frame = frame.dropna(axis="columns", how="all")
    losses: dict[Any, Any] = {name: signed.loss for name in _LOSSES if name in frame}
    st.dataframe(
        frame.style.format(losses, na_rep="–"),
        hide_index=True,
        column_config=_columns(unit),
        placeholder="–",
        alt="All measured allocations: predicted beside measured.",
    )


def _columns(unit: DialUnit) -> dict[str, Any]:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "allocation": text(width=130),
        "size": number(f"size ({unit.suffix})", format=f"%.{unit.decimals}f"),
        "average": number("average bits", format="%.3f"),
        "inputs": text("layer inputs"),
        "clipping": text(width=200),
        "predicted": number("predicted ΔL", help="What the table says, summed over layers."),
        "measured": number("measured ΔL"),
        "low": number("95 % from"),
        "high": number("to"),
        "accuracy": number("accuracy", format="%.2f %%"),
        "agreement": number("agreement", format="%.2f %%"),
    }


def _row(row: Measured, setting: Setting, answer: Answer, unit: DialUnit) -> dict[str, object]:
    result = row.evaluation
    return {
        "allocation": label(row, setting, answer),
        "size": row.size_bytes / unit.per_unit,
        "average": row.average_bits,
        "inputs": _inputs(row),
        "clipping": _clipping(row),
        "predicted": _predicted(row, answer),
        "measured": result.delta_loss,
        "low": result.delta_low,
        "high": result.delta_high,
        "accuracy": None if result.accuracy is None else 100 * result.accuracy,
        "agreement": None if result.agreement is None else 100 * result.agreement,
        "images": result.samples,
    }


def _predicted(row: Measured, answer: Answer) -> float | None:
    """What the table says of it, None where it was measured at other bits or clipping."""
    table = answer.bench.table
    if row.clipping.of("weight") != table.config.clipping.of("weight"):
        return None
    for known in kept_kernels(answer.dialled.kept, answer.bench).values():
        if known.is_measured_by(row):
            return known.costs.get("loss")
    choice = None if row.widths is None else answer.problem.choice_of(row.widths)
    return None if choice is None else evaluate(answer.problem.problem, choice).costs["loss"]


def _inputs(row: Measured) -> str:
    known = sorted({bits for bits in row.inputs.values() if bits is not None})
    if not known:
        return "full precision"
    return f"{known[0]} bits" if len(known) == 1 else f"{known[0]} to {known[-1]} bits"


def _clipping(row: Measured) -> str:
    weight = f"weights {row.clipping.text('weight')}"
    weight += "" if row.clipping.bias_correction else ", not bias-corrected"
    if set(row.inputs.values()) == {None}:
        return weight
    return f"{weight}; inputs {row.clipping.text('activation')}"


def label(row: Measured, setting: Setting, answer: Answer) -> str:
    """What a measured allocation is called beside the one on the dial."""
    if row.clipping == setting.used_clipping(row.inputs.values()):
        if answer.allocation is not None and row.widths == answer.widths:
            return "this budget"
        number = _place(row, answer)
        if number is not None:
            return f"kept {letter(number)}"
    bits = set(row.bits.values())
    one = bits.pop() if len(bits) == 1 else None
    plain = "" if row.clipping.bias_correction else "plain "
    return f"{plain}uniform {one} bit" if isinstance(one, int) else f"{plain}mixed"


def _place(row: Measured, answer: Answer) -> int | None:
    """Of those put aside, the one that was measured."""
    kept = answer.dialled.kept
    if row.widths in kept:
        return kept.index(row.widths)
    kernels = kept_kernels(kept, answer.bench).items()
    return next((number for number, known in kernels if known.is_measured_by(row)), None)
