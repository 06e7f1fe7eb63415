"""What the chosen hardware takes, where its figures come from, and what these leave out."""

from __future__ import annotations

import streamlit as st

from qcore.hardware import Hardware
from ui import format as fmt
from ui.allocation.dialled import Dialled
from ui.allocation.fit import Fit, full_precision_runs
from ui.hardware.known import title


def about_hardware(found: Fit, chosen: Hardware, dialled: Dialled) -> None:
    """A line and its details; why it is left out where it is."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.popover("What it counts", type="tertiary", icon=":material/memory:"):
            st.markdown(fmt.plain(chosen.provenance))
            if chosen.leaves_out:
                st.markdown("**Left out:**")
                st.markdown("\n".join(f"- {fmt.plain(part)}" for part in chosen.leaves_out))
        # Of a table of weights alone the inputs are chosen, not measured.
        if found.whole.config.target == "weight" and dialled.inputs is not None:
            st.caption(
                f"Layer inputs set to {dialled.inputs} bits{_because(found, chosen)}. The "
                "predicted ΔL is of the weights alone; a measurement has both."
            )
    if found.trouble is not None:
        name = fmt.plain(title(chosen.name, chosen))
        st.warning(f"Without {name}: {fmt.plain(found.trouble)}.")


def _because(found: Fit, chosen: Hardware) -> str:
    if None not in chosen.activation_bits:
        return ": this hardware takes integers only"
    if not full_precision_runs(found):
        return ": with inputs of full precision this hardware runs none of these widths"
    return ""
