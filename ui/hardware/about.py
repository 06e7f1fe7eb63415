"""What is known of the chosen machine: bits that it takes, where its figures come from."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from qcore.hardware import Hardware
from qcore.hardware.at_bits import NetworkAtBits
from qcore.hardware.bound import by_bound
from qcore.hardware.refusal import listed, listed_pairs
from ui import format as fmt
from ui.allocation.units import amount
from ui.hardware.run import counted

_MOST_NOTES = 4


def about(run: NetworkAtBits) -> None:
    """One line that is always there, and the whole story below it."""
    st.caption(" ".join(_line(run)))
    with st.expander(
        f"Where the figures of {fmt.plain(run.hardware.title)} come from, and what they leave out",
        icon=":material/menu_book:",
    ):
        formula(run.hardware)
        st.markdown(fmt.plain(run.hardware.provenance))
        if run.hardware.leaves_out:
            st.markdown("**Left out:**")
            st.markdown("\n".join(f"- {fmt.plain(part)}" for part in run.hardware.leaves_out))


def formula(hardware: Hardware) -> None:
    """How the figures of a layer come about."""
    if hardware.formula:
        st.markdown("**How a layer is worked out:**")
        st.markdown("\n".join(f"- {fmt.plain(line)}" for line in hardware.formula))


def focused_line(run: NetworkAtBits, focus: str) -> str | None:
    """What the focused layer takes and how that is made up; None where it is not known.

    Example: conv1 at 4/8 bits: multiplying 0.4 ms, loading weights 0.1 ms and inputs 0.5 ms, the
    layer 0.6 ms.
    """
    at = [layer.name for layer in run.network.layers].index(focus)
    busy, latency = run.cost.busy, run.cost.latency_ms
    if busy is None or latency is None or focus in run.excluded or not run.runs[at]:
        return None
    each = by_bound(busy).values()
    compute, weights, inputs = (amount("latency_ms", float(ms[at])) for ms in each)
    moving = f", moving weights {weights} and inputs {inputs}" if len(counted(run)) > 1 else ""
    return (
        f"{fmt.plain(focus)} at {run.pairs[at]} bits of weights/input: multiplying takes {compute}"
        f"{moving}; the whole layer {amount('latency_ms', float(latency[at]))}."
    )


def _line(run: NetworkAtBits) -> list[str]:
    machine = run.hardware
    pairs = listed_pairs(machine)
    weights, inputs = listed(machine.weight_bits), listed(machine.activation_bits)
    takes = f"Pairs of weights/input that run: {pairs}." if pairs else ""
    bits = f"Takes weights of {weights}, layer inputs of {inputs}."
    only = " only" if machine.fixed_batch else ""
    notes = [bits, takes, f"Figures are for a batch of {machine.batch}{only}."]
    if run.excluded:
        names = ", ".join(fmt.plain(name) for name in run.excluded)
        notes.append(f"Not in the totals: {names}.")
    return [*[note for note in notes if note], *_runs_as(run)]


def _runs_as(run: NetworkAtBits) -> list[str]:
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
    return [f"**{', '.join(wider[:_MOST_NOTES])}{more}**: widths that it has operations for."]
