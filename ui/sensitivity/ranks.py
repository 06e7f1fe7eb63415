"""Which layers to keep at many bits, and which can do with few."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from qcore.sensitivity.ranking import (
    CRITERIA,
    Criterion,
    Ranked,
    keep_high,
    ranking,
    safe_to_crush,
    width_in_view,
    widths_to_rank,
)
from qcore.sensitivity.table import SensitivityTable
from ui import format as fmt
from ui.charts import chart
from ui.figures.cells import short_loss, short_name
from ui.figures.ranking import ranking_figure
from ui.select import focus_chosen, focus_clicked
from ui.sensitivity.halves import halves
from ui.state import palette

_CRITERION, _BITS = "ranking_by", "ranking_bits"


def ranking_section(table: SensitivityTable, focus: str) -> None:
    """Bars of all layers, and the two ends of the list."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        criterion = _criterion(table)
        bits = _bits(table, criterion)
    ranked = () if bits is None else ranking(table, bits, criterion)
    if bits is None or not ranked:
        with st.container(height=200, border=False):
            st.caption("No layer has a value at this width yet.")
        return
    keep, crush = keep_high(ranked), safe_to_crush(ranked)
    quantity = table.config.quantity_in_unit("per kB" * (criterion == "step"))
    left, right = halves()
    with left:
        chart(
            ranking_figure(ranked, _names(keep), _names(crush), focus, quantity, palette()),
            "sensitivity-ranking",
            f"Layers by sensitivity at {bits} bits, the most sensitive on top, with intervals.",
            focus_clicked,
        )
    with right:
        high = {r.layer: short_loss(r.value) for r in keep}
        _chips("Keep these high", high, focus, "arrow_upward", "The largest of all layers.")
        low = {r.layer: f"≤ {short_loss(r.high)}" for r in crush if r.high is not None}
        why = "The smallest upper ends of the 95 % intervals: harmless even if chance helped them."
        _chips("Safe to crush", low, focus, "arrow_downward", why)
        st.caption(_stated(table, bits, criterion))


def _criterion(table: SensitivityTable) -> Criterion:
    name = table.config.quantity
    by: dict[Criterion, str] = {"loss": name, "step": f"{name} of the next step down, per kB"}
    known = [c for c in by if widths_to_rank(table, c)]
    if st.session_state.get(_CRITERION) not in known:
        st.session_state[_CRITERION] = "loss"
    chosen = st.segmented_control(
        "Ranked by",
        known,
        required=True,
        key=_CRITERION,
        persist_state="session",
        format_func=lambda c: by[c],
        help="; ".join(f"{by[c]}: {text}" for c, text in CRITERIA.items()) + ".",
    )
    return chosen or "loss"


def _bits(table: SensitivityTable, criterion: Criterion) -> int | None:
    widths = widths_to_rank(table, criterion)
    if st.session_state.get(_BITS) not in widths:
        st.session_state[_BITS] = width_in_view(widths)
    return st.segmented_control(
        "At bits",
        widths,
        required=True,
        key=_BITS,
        persist_state="session",
    )


def _names(ranked: Sequence[Ranked]) -> list[str]:
    return [r.layer for r in ranked]


def _chips(title: str, values: Mapping[str, str], focus: str, icon: str, why: str) -> None:
    """Names to click; the focused one is lit."""
    key = f"ranking-{icon}"
    st.session_state[key] = focus if focus in values else None
    st.pills(
        f":material/{icon}: **{title}**",
        list(values),
        key=key,
        format_func=lambda name: f"{fmt.plain(short_name(name))} · {values[name]}",
        on_change=focus_chosen,
        args=(key,),
        help=why,
        wrap=True,
    )


def _stated(table: SensitivityTable, bits: int, criterion: Criterion) -> str:
    name = table.config.quantity
    if criterion == "loss":
        return (
            f"Ranked by {name} with one layer at {bits} bits and all others as they were. A large "
            "layer that adds little can be the better place to save: see what a kilobyte costs."
        )
    lower = max(b for b in table.config.bits if b < bits)
    return (
        f"Ranked by what going from {bits} to {lower} bits adds to {name}, for each kilobyte of "
        "weights it saves; intervals join the worst ends of both widths."
    )
