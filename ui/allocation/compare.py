"""Configurations put aside, side by side."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.allocation.compare_table import compare_table
from ui.allocation.compared import Compared, all_compared
from ui.allocation.dialled import MOST_KEPT
from ui.allocation.held_out import HeldOut
from ui.allocation.workbench import Answer
from ui.charts import chart
from ui.evaluations import start
from ui.figures.bit_rows import BitsRow, bit_rows_figure
from ui.select import focus_clicked
from ui.state import focused_layer, palette


def compare_section(prepared: Prepared, held: HeldOut | None, answer: Answer) -> None:
    """A table with differences, layers that differ, and measuring all of them."""
    if not answer.dialled.kept:
        st.info(
            f"Press **Keep** to put the configuration on the dial aside, up to {MOST_KEPT} of "
            "them. They stand here side by side, as diamonds on the curve, and in the link. The "
            "page Search sends what it finds here too.",
            icon=":material/bookmark:",
        )
        return
    each = all_compared(prepared, None if held is None else held.setting, answer)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Differences to",
            [one.name for one in each],
            default=each[0].name,
            format_func={one.name: fmt.plain(one.title) for one in each}.__getitem__,
            required=True,
            key="compare_to",
            help="The configuration that the others are compared with.",
        )
        _measure_all(each)
    reference = next((one for one in each if one.name == chosen), each[0])
    with st.container(border=True):
        compare_table(each, reference, answer)
    _differences(prepared, each)


def _measure_all(each: list[Compared]) -> None:
    found = [one.measurement for one in each if one.measurement is not None]
    missing = [one for one in found if not one.asked]
    if found:
        st.button(
            "Measure all of them",
            icon=":material/science:",
            on_click=start,
            args=(missing,),
            disabled=not missing,
            help="On held-out images; the results are kept.",
        )


def _differences(prepared: Prepared, each: list[Compared]) -> None:
    names = [layer.name for layer in prepared.network.layers]
    rows = [BitsRow(one.title, [one.bits[name] for name in names]) for one in each]
    columns = zip(*(row.bits for row in rows), strict=True)
    differing = sum(len(set(column)) > 1 for column in columns)
    st.markdown(
        f"**{differing} of {len(names)} layers differ.** The others are grey; click one to focus "
        "it."
    )
    chart(
        bit_rows_figure(names, rows, focused_layer(prepared), palette(), grey_equal=True),
        "allocate-differences",
        "Weight bits of each layer in every compared configuration, the mean where its kernels "
        "differ; layers that agree are grey.",
        focus_clicked,
    )
