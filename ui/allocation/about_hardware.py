"""What the chosen hardware takes, where its figures come from, and what these leave out."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from qcore.hardware import Hardware
from ui import format as fmt
from ui.allocation import session
from ui.allocation.dialled import Dialled
from ui.allocation.fit import Fit, full_precision_runs, inputs_for
from ui.hardware.about import formula
from ui.hardware.known import title


def about_hardware(found: Fit, chosen: Hardware, dialled: Dialled) -> None:
    """A line and its details; why it is left out where it is."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("What it counts", type="tertiary", icon=":material/memory:"):
            formula(chosen)
            st.markdown(fmt.plain(chosen.provenance))
            if chosen.leaves_out:
                st.markdown("**Left out:**")
                st.markdown("\n".join(f"- {fmt.plain(part)}" for part in chosen.leaves_out))
        words = " ".join(_line(found, chosen, dialled))
        if words:
            st.caption(words)
    if found.trouble is not None:
        _without(found, chosen, dialled, found.trouble)


def _without(found: Fit, chosen: Hardware, dialled: Dialled, trouble: str) -> None:
    why = trouble.replace(chosen.title, "it", 1)
    name = title(chosen.name, chosen)
    st.warning(f"Without {fmt.plain(name)}: {fmt.plain(why)}.", icon=":material/block:")
    inputs = inputs_for(found.whole, chosen, dialled.inputs)
    if inputs != dialled.inputs:
        st.button(
            f"Set layer inputs to {inputs} bits",
            icon=":material/arrow_forward:",
            on_click=lambda: session.change(replace(session.now(), inputs=inputs)),
        )


def _line(found: Fit, chosen: Hardware, dialled: Dialled) -> list[str]:
    """For how many images the figures are, which layers they leave out, and what enters layers."""
    said = []
    if found.hardware is not None and chosen.batch > 1:
        said.append(f"Figures are for a batch of {chosen.batch:,} images.")
    excluded = chosen.excluded(found.whole.network)
    if found.hardware is not None and excluded:
        said.append(f"Not in the totals: {fmt.plain(', '.join(excluded))}.")
    # Of a table of weights alone the inputs are chosen, not measured.
    if found.whole.config.target == "weight" and dialled.inputs is not None:
        said.append(
            f"Layer inputs set to {dialled.inputs} bits{_because(found, chosen)}. The predicted "
            "ΔL is of the weights alone; a measurement has both."
        )
    return said


def _because(found: Fit, chosen: Hardware) -> str:
    if None not in chosen.activation_bits:
        return ": this hardware takes integers only"
    if not full_precision_runs(found):
        return ": with inputs of full precision this hardware runs none of these widths"
    return ""
