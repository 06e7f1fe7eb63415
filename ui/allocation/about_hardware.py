"""What the chosen hardware takes, where its figures come from, and what these leave out."""

from __future__ import annotations

import streamlit as st

from qcore.hardware import HARDWARE
from ui import format as fmt
from ui.allocation.dialled import Dialled


def about_hardware(dialled: Dialled, of_weights_alone: bool) -> None:
    """A line and its details; ``of_weights_alone``: layer inputs are chosen, not measured."""
    chosen = HARDWARE[str(dialled.hardware)]
    words = None
    if of_weights_alone and dialled.inputs is not None:
        integers = None not in chosen.activation_bits
        because = ": this hardware takes integers only" if integers else ""
        words = (
            f"Layer inputs set to {dialled.inputs} bits{because}. The predicted ΔL is of the "
            "weights alone; a measurement has both."
        )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("What it counts", type="tertiary", icon=":material/memory:"):
            st.markdown(fmt.plain(chosen.provenance))
            if chosen.leaves_out:
                st.markdown("**Left out:**")
                st.markdown("\n".join(f"- {fmt.plain(part)}" for part in chosen.leaves_out))
        if words is not None:
            st.caption(words)
