"""How right a model is: published figures beside its own."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from qcore.hardware import HARDWARE
from qcore.hardware.validation import Errors, Published, Validation, validate
from qcore.latency.hardware import THIS_MACHINE
from ui import format as fmt


def validation_section(name: str) -> None:
    """Totals and tables that were published of the hardware of this name, against the model."""
    if name not in HARDWARE:
        st.info(_own_words(name), icon=":material/info:")
        return
    found = _validation(name)
    st.markdown(fmt.plain(found.words))
    if found.totals:
        _totals(found.totals)
    if found.errors:
        _errors(found.errors)
    if found.sources:
        st.caption(f"Published: {fmt.plain(found.sources)}.")


def _own_words(name: str) -> str:
    if name == THIS_MACHINE:
        return (
            "Nothing to compare with: these figures were measured here. How sure each is stands "
            "under **Measured here**, with the whole network beside the sum of layers."
        )
    return (
        "Nothing is published of what a visitor brought. Its figures are as good as where they "
        "come from; measure the network there to know."
    )


@st.cache_data(max_entries=64, show_spinner="Comparing with published figures …")
def _validation(name: str) -> Validation:
    return validate(name)


def _totals(totals: tuple[Published, ...]) -> None:
    number = st.column_config.NumberColumn
    rows = [
        {
            "what": one.what,
            "published": one.published,
            "modelled": one.modelled,
            "unit": one.unit,
            "error": one.error_percent,
        }
        for one in totals
    ]
    shown: dict[Any, Any] = {"error": _signed}
    st.dataframe(
        pd.DataFrame(rows).style.format(shown),
        hide_index=True,
        column_config={
            "what": st.column_config.TextColumn("what was published", width="large"),
            "published": number("published", format="%.5g"),
            "modelled": number("modelled", format="%.5g"),
            "error": number("error", help="Modelled against published."),
        },
        alt="Published totals, what the model makes of them, and the error in percent.",
    )


def _errors(errors: tuple[Errors, ...]) -> None:
    text = st.column_config.TextColumn
    number = st.column_config.NumberColumn
    columns: dict[str, Any] = {
        "what": text("published table", width="large"),
        "entries": number("entries", format="localized"),
        "mean": number("mean error", help="Of the errors without their sign."),
        "median": number("median"),
        "p90": number("90 % within", help="Nine of ten entries are off by no more than this."),
        "worst": number("worst"),
        "exact": number("exact", help="Share of the entries that the model gives to the digit."),
        "bias": number("sum", help="Error of the sum of all entries, with its sign."),
    }
    rows = [
        {
            "what": one.what,
            "entries": one.entries,
            "mean": one.mean_percent,
            "median": one.median_percent,
            "p90": one.p90_percent,
            "worst": one.worst_percent,
            "exact": one.exact_share,
            "bias": one.bias_percent,
        }
        for one in errors
    ]
    shown: dict[Any, Any] = dict.fromkeys(("mean", "median", "p90", "worst"), _percent)
    shown |= {"bias": _signed, "exact": fmt.percent}
    frame = pd.DataFrame(rows).style.format(shown)
    st.dataframe(
        frame,
        hide_index=True,
        column_config=columns,
        alt="Errors of the model against whole published tables, in percent.",
    )


def _percent(value: float) -> str:
    """Example: 2.31 %."""
    return f"{value:.3g} %"


def _signed(value: float) -> str:
    """Example: −4.1 %."""
    return "0 %" if abs(value) < 5e-4 else f"{value:+.2g} %".replace("-", "−")
