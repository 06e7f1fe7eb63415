"""Which layers to keep at many bits, and which can do with few."""

from __future__ import annotations

from collections.abc import Sequence

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

_BY: dict[Criterion, str] = {"loss": "ΔL", "step": "ΔL of the next step down, per kB"}
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
    unit = table.config.unit + " per kB" * (criterion == "step")
    left, right = halves()
    with left:
        chart(
            ranking_figure(ranked, _names(keep), _names(crush), focus, unit, palette()),
            "sensitivity-ranking",
            f"Layers by sensitivity at {bits} bits, the most sensitive on top, with intervals.",
            focus_clicked,
        )
    with right:
        _chips("Keep these high", keep, focus, "arrow_upward", "The largest of all layers.")
        why = "The smallest upper ends of the 95 % intervals: harmless even if chance helped them."
        _chips("Safe to crush", crush, focus, "arrow_downward", why)
        st.caption(_stated(table, bits, criterion))


def _criterion(table: SensitivityTable) -> Criterion:
    known: list[Criterion] = [c for c in _BY if widths_to_rank(table, c)]
    if st.session_state.get(_CRITERION) not in known:
        st.session_state[_CRITERION] = "loss"
    chosen = st.segmented_control(
        "Ranked by",
        known,
        required=True,
        key=_CRITERION,
        persist_state="session",
        format_func=lambda c: _BY[c],
        help="; ".join(f"{_BY[c]}: {text}" for c, text in CRITERIA.items()) + ".",
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


def _chips(title: str, ranked: Sequence[Ranked], focus: str, icon: str, why: str) -> None:
    """Names to click; the focused one is lit."""
    key, values = f"ranking-{icon}", {r.layer: r for r in ranked}
    st.session_state[key] = focus if focus in values else None
    st.pills(
        f":material/{icon}: **{title}**",
        list(values),
        key=key,
        format_func=lambda name: (
            f"{fmt.plain(short_name(name))} · {short_loss(values[name].value)}"
        ),
        on_change=focus_chosen,
        args=(key,),
        help=why,
        wrap=True,
    )


def _stated(table: SensitivityTable, bits: int, criterion: Criterion) -> str:
    if criterion == "loss":
        return (
            f"Ranked by ΔL with one layer at {bits} bits and all others as they were. A large "
            "layer that adds little can be the better place to save: see what a kilobyte costs."
        )
    lower = max(b for b in table.config.bits if b < bits)
    return (
        f"Ranked by what going from {bits} to {lower} bits adds to ΔL, for each kilobyte of "
        "weights it saves; intervals join the worst ends of both widths."
    )
