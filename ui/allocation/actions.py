"""History and measuring; and what stands in the way of an answer."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from qcore.prepare.prepared import Prepared
from ui.allocation import session, units
from ui.allocation.by_loss import by_loss
from ui.allocation.dialled import Dialled
from ui.allocation.follow import follow
from ui.allocation.held_out import HeldOut
from ui.allocation.words import uniform_words
from ui.allocation.workbench import Answer
from ui.evaluations import start
from ui.hardware.chosen import LINK, Chosen, to_query
from ui.router import PAGES

_LISTED = 20


def actions(prepared: Prepared, answer: Answer, held: HeldOut | None) -> None:
    """A row of buttons, and beside them what uniform bits would do within the same budgets."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if held is not None:
            _measure(held)
        _history()
        by_loss(answer)
        _layer_by_layer(answer)
        words = uniform_words(answer) + ("" if answer.note is None else f" {answer.note}")
        if held is None:
            st.caption(words)
        else:
            follow(prepared, held.setting, words)


def _history() -> None:
    before = session.past()[:_LISTED]
    with st.popover("History", icon=":material/history:", disabled=not before):
        for number, (dialled, words) in enumerate(before):
            st.button(
                words or "an earlier choice",
                key=f"history-{number}",
                type="tertiary",
                on_click=session.change,
                args=(dialled,),
                help="Go back to this; the present one joins the history.",
            )


def _layer_by_layer(answer: Answer) -> None:
    """The way to the page Hardware, with the configuration in view."""
    hardware, dialled = answer.bench.fit.hardware, answer.dialled
    if hardware is None or answer.allocation is None:
        return
    asked = Chosen(hardware.name, input_bits=dialled.inputs or 8, source=LINK, widths=answer.widths)
    st.page_link(
        PAGES["hardware"].path,
        label="Layer by layer",
        icon=PAGES["hardware"].icon,
        help="These bits on this hardware: what each layer takes, and why.",
        query_params={name: text for name, text in to_query(asked).items() if text is not None},
    )


def _measure(held: HeldOut) -> None:
    own, images = held.own, held.setting.pair.evaluation.images
    done = own is not None and own.result is not None
    st.button(
        "Measured" if done else f"Measure on {images:,} held-out images",
        type="primary",
        icon=":material/science:",
        on_click=start,
        args=([own],),
        disabled=own is None or own.asked,
        help="Runs the quantized network on images that were not used to choose; the result is "
        "kept, and stands beside the prediction under Measured.",
    )


def obstacles(answer: Answer) -> None:
    """What of the link was ignored, and which budget cannot be met; ways on as buttons."""
    ignored = st.session_state.get(session.NOTES)
    if ignored:
        st.warning(
            f"Left out of the link, because it is gone or does not fit this table: "
            f"{', '.join(ignored)}.",
            icon=":material/link_off:",
        )
    flat = _flat_words(answer) if answer.unit.high <= answer.unit.low else None
    if flat is not None:
        st.info(flat, icon=":material/info:")
    if answer.trouble is not None:
        st.error(
            f"{answer.trouble.capitalize()}; dial another budget, or loosen the second one.",
            icon=":material/timer_off:",
        )
    if answer.infeasible is not None:
        _infeasible(answer)


def _flat_words(answer: Answer) -> str | None:
    """Why the dial has one place; None where the line on widths left out says it."""
    if len(answer.bench.table.config.widths) > 1:
        return (
            f"{units.title(answer.unit.cost)} is the same at every bit width here, so it cannot "
            "decide between them: you see the widths of least predicted ΔL. Dial another budget."
        )
    if answer.bench.fit.left_out:
        return None
    return (
        "Only one configuration is possible: the run measured one bit width. Measure more of "
        "them on the page Sensitivity."
    )


def _infeasible(answer: Answer) -> None:
    why = answer.infeasible
    assert why is not None
    nearest = units.bare(why.name, why.nearest)
    title, given = units.title(why.name), units.bare(why.name, why.given)
    reason = " within the pins" if why.by_pins else " within the other budget" * why.together
    st.error(
        f"{title} of at most {given} cannot be met{reason}: the least possible is {nearest}. "
        "Bars and tiles show the best allocation there.",
        icon=":material/block:",
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            f"Use {nearest}",
            type="primary",
            icon=":material/near_me:",
            on_click=lambda: session.change(_with_nearest(answer)),
        )
        if why.by_pins:
            st.button(
                "Unpin all layers",
                icon=":material/keep_off:",
                on_click=lambda: session.change(replace(session.now(), pins=())),
            )
        if session.can_undo():
            st.button("Undo the last step", icon=":material/undo:", on_click=session.undo)


def _with_nearest(answer: Answer) -> Dialled:
    why = answer.infeasible
    assert why is not None
    if why.name == answer.dialled.budget:
        return session.at_value(why.nearest)
    return replace(session.now(), second=(why.name, why.nearest))
