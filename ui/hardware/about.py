"""What is known of the chosen machine: bits that it takes, where its figures come from."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from qcore.hardware.network_costs import listed
from ui import format as fmt
from ui.hardware.run import Run, taken

_MOST_NOTES = 4


def about(run: Run) -> None:
    """One line that is always there, and the whole story below it."""
    st.caption(" ".join(_line(run)))
    with st.expander(
        f"Where the figures of {fmt.plain(run.hardware.title)} come from, and what they leave out",
        icon=":material/menu_book:",
    ):
        st.markdown(fmt.plain(run.hardware.provenance))
        if run.hardware.leaves_out:
            st.markdown("**Left out:**")
            st.markdown("\n".join(f"- {fmt.plain(part)}" for part in run.hardware.leaves_out))


def _line(run: Run) -> list[str]:
    machine = run.hardware
    pairs = taken(machine)
    weights, inputs = listed(machine.weight_bits), listed(machine.activation_bits)
    takes = f"Pairs of weights/input that run: {pairs}." if pairs else ""
    bits = f"Takes weights of {weights}, layer inputs of {inputs}."
    only = " only" if machine.fixed_batch else ""
    notes = [bits, takes, f"Figures are for a batch of {machine.batch}{only}."]
    if run.excluded:
        names = ", ".join(fmt.plain(name) for name in run.excluded)
        notes.append(f"Not in the totals: {names}.")
    return [*[note for note in notes if note], *_runs_as(run)]


def _runs_as(run: Run) -> list[str]:
    """Pairs in use that run at other bits, the most frequent first."""
    machine, asked = run.hardware, Counter(pair for pair in run.pairs if not pair.pruned)
    wider = []
    for pair, _ in asked.most_common():
        native = machine.runs_as(pair) if machine.takes(pair) else None
        if native is not None and native != pair:
            wider.append(f"{pair} runs as {native}")
    if not wider:
        return []
    more = f" and {len(wider) - _MOST_NOTES} other pairs" if len(wider) > _MOST_NOTES else ""
    return [f"**{', '.join(wider[:_MOST_NOTES])}{more}**: the nearest that it has."]
