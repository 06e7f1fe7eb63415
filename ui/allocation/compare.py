"""Configurations put aside, side by side."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.allocation.compared import NOW, Compared, compared, named, tiles
from ui.allocation.dialled import MOST_KEPT
from ui.allocation.points import letter
from ui.allocation.workbench import Answer
from ui.charts import chart
from ui.evaluations import Setting, start_evaluations
from ui.figures.allocation import differences_figure
from ui.select import focus_clicked
from ui.state import focused_layer, palette


def compare_section(prepared: Prepared, setting: Setting | None, answer: Answer) -> None:
    """Tiles with differences, layers that differ, and measuring all of them."""
    kept = answer.dialled.kept
    if not kept:
        st.info(
            f"Press **Keep** to put the configuration on the dial aside, up to {MOST_KEPT} of "
            "them. They stand here side by side, as diamonds on the curve, and in the link.",
            icon=":material/bookmark:",
        )
        return
    all_widths = {letter(i): widths for i, widths in enumerate(kept)} | {NOW: answer.widths}
    each = [compared(prepared, setting, answer, *one) for one in all_widths.items()]
    names = list(all_widths)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.segmented_control(
            "Differences to",
            names,
            default=names[0],
            required=True,
            key="compare_to",
            help="The configuration that the others are compared with; “now” is on the dial.",
        )
        if setting is not None:
            _measure_all(prepared, setting, each)
    reference = next((one for one in each if one.name == chosen), each[0])
    for column, one in zip(st.columns(len(each)), each, strict=True):
        with column, st.container(border=True, height="stretch"):
            tiles(one, reference, names.index(one.name))
    _differences(prepared, each)
    if setting is not None:
        _side_by_side(each)


def _measure_all(prepared: Prepared, setting: Setting, each: list[Compared]) -> None:
    missing = [one for one in each if not one.waiting]
    with st.container(horizontal=True, width="content"):
        st.button(
            "Measure all of them",
            icon=":material/science:",
            on_click=start_evaluations,
            args=(prepared, [(named(prepared, one.widths), setting) for one in missing]),
            disabled=not missing,
            help="On held-out images; the results are kept.",
        )
        for one in missing:
            st.button(
                f"Measure {one.name}",
                key=f"measure-{one.name}",
                type="tertiary",
                on_click=start_evaluations,
                args=(prepared, [(named(prepared, one.widths), setting)]),
            )


def _differences(prepared: Prepared, each: list[Compared]) -> None:
    rows = {one.name: [width.bits for width in one.widths] for one in each}
    names = [layer.name for layer in prepared.network.layers]
    differing = sum(len(set(column)) > 1 for column in zip(*rows.values(), strict=True))
    st.markdown(
        f"**{differing} of {len(names)} layers differ.** The others are faded; click one to focus "
        "it."
    )
    chart(
        differences_figure(names, rows, focused_layer(prepared), palette()),
        "allocate-differences",
        "Weight bits of each layer in every compared configuration; layers that agree are faded.",
        focus_clicked,
    )


def _side_by_side(each: list[Compared]) -> None:
    """Predicted beside measured."""
    rows = [
        {
            "configuration": one.name,
            "predicted": None if one.costs is None else one.costs["loss"],
            "measured": None if one.result is None else one.result.delta_loss,
            "interval": ""
            if one.result is None
            else fmt.interval(one.result.delta_low, one.result.delta_high),
            "accuracy": None
            if one.result is None or one.result.accuracy is None
            else 100 * one.result.accuracy,
        }
        for one in each
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "predicted": st.column_config.NumberColumn("predicted ΔL", format="%+.5f"),
            "measured": st.column_config.NumberColumn("measured ΔL", format="%+.5f"),
            "interval": st.column_config.TextColumn("95 % of measured"),
            "accuracy": st.column_config.NumberColumn("accuracy", format="%.2f %%"),
        },
        placeholder="–",
        alt="Compared configurations: predicted beside measured.",
    )
