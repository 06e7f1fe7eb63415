"""All that was measured of a network: predicted beside measured."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from qcore.allocate import evaluate
from qcore.prepare.prepared import Prepared
from ui.allocation.points import letter
from ui.allocation.workbench import Answer
from ui.evaluations import Measured, Setting, measured

_COLUMNS = {
    "size": st.column_config.NumberColumn("size (kB)", format="%.1f"),
    "average": st.column_config.NumberColumn("average bits", format="%.3f"),
    "inputs": st.column_config.TextColumn("layer inputs"),
    "clipping": st.column_config.TextColumn(width="medium"),
    "predicted": st.column_config.NumberColumn(
        "predicted ΔL", format="%+.5f", help="What the table says, summed over layers."
    ),
    "measured": st.column_config.NumberColumn("measured ΔL", format="%+.5f"),
    "low": st.column_config.NumberColumn("95 % from", format="%+.5f"),
    "high": st.column_config.NumberColumn("to", format="%+.5f"),
    "accuracy": st.column_config.NumberColumn("accuracy", format="%.2f %%"),
    "agreement": st.column_config.NumberColumn("agreement", format="%.2f %%"),
}


def table(prepared: Prepared, setting: Setting, answer: Answer) -> None:
    """One line a measurement; without any, what it would tell."""
    rows = sorted(measured(prepared, setting), key=lambda row: row.size_bytes)
    if not rows:
        st.caption(
            "Nothing measured yet. The prediction adds up single layers; the truth may differ, "
            "and only a measurement shows by how much. Press **Measure** above."
        )
        return
    st.dataframe(
        pd.DataFrame([_row(row, setting, answer) for row in rows]).dropna(
            axis="columns", how="all"
        ),
        hide_index=True,
        column_config=_COLUMNS,
        placeholder="–",
        alt="All measured allocations: predicted beside measured.",
    )


def _row(row: Measured, setting: Setting, answer: Answer) -> dict[str, object]:
    result = row.evaluation
    return {
        "allocation": label(row, setting, answer),
        "size": row.size_bytes / 1000,
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
    if row.clipping.of("weight") != table.config.clipping.of("weight") or row.widths is None:
        return None
    choice = answer.problem.choice_of(row.widths)
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
    widths = row.widths
    if widths is not None and row.clipping == setting.used_clipping(row.inputs.values()):
        if answer.allocation is not None and widths == answer.widths:
            return "this budget"
        if widths in answer.dialled.kept:
            return f"kept {letter(answer.dialled.kept.index(widths))}"
    bits = set(row.bits.values())
    one = bits.pop() if len(bits) == 1 else None
    plain = "" if row.clipping.bias_correction else "plain "
    return f"{plain}uniform {one} bit" if isinstance(one, int) else f"{plain}mixed"
