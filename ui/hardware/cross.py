"""Bits chosen for one machine, run on the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from qcore.allocate.across import CrossTable, across
from qcore.hardware import BitPair, Hardware
from qcore.prepare.prepared import DataPair, Prepared
from qcore.quantize.limits import GRID_BITS
from qcore.sensitivity.table import SensitivityTable
from ui import format as fmt
from ui.allocation.workbench import table_key
from ui.charts import chart
from ui.data import chosen_job, pair_of
from ui.figures.bit_rows import BitsRow, bit_rows_figure
from ui.figures.policies import cross_figure
from ui.hardware.cross_words import crossed, in_words, troubles
from ui.hardware.known import title
from ui.hardware.limits import Limit, limits
from ui.results import sensitivity_job, table_of
from ui.router import PAGES
from ui.select import focus_clicked
from ui.state import palette

_INPUTS = 8  # of tables of weights alone, unless chosen otherwise


def cross_section(
    prepared: Prepared,
    machines: Mapping[str, Hardware],
    pairs: Sequence[BitPair],
    focus: str,
) -> None:
    """The table of policies and machines, what it shows in words, and the bits of each policy."""
    table = _table(prepared)
    if table is None:
        return
    limit, inputs = _choices(table, pairs)
    titles = {name: title(name, machine) for name, machine in machines.items()}
    found = _across(table, machines, limit.loss, inputs)
    shown = crossed(found, titles)
    if shown is None:
        st.info(
            "No hardware has a policy within this loss. Choose a larger one.",
            icon=":material/info:",
        )
        _troubles(found, titles)
        return
    st.markdown(in_words(found, titles, limit))
    chart(
        cross_figure(shown, palette()),
        "hardware-cross",
        "What the policy of each hardware takes on every other, relative to the best there.",
    )
    _troubles(found, titles)
    _policies(prepared, found, titles, focus)


def _table(prepared: Prepared) -> SensitivityTable | None:
    """The table of the run in view; without one, what is missing and where to get it."""
    pair = _pair(prepared)
    job = None if pair is None else sensitivity_job(prepared, pair, ("weight", "both"))
    table = None if job is None else table_of(job, prepared)
    if table is not None and table.covered:
        return table
    st.info(
        "The best bits for one accelerator are not the best for another. To see it for this "
        "network, every hardware gets the bits that are fastest on it within the same predicted "
        "loss, and these then run on all the others. That needs ΔL of every layer's weights: "
        + ("the run under way is not that far yet." if job and job.active else "measure it first."),
        icon=":material/info:",
    )
    st.page_link(PAGES["sensitivity"].path, label="Go to Sensitivity", icon=":material/grid_on:")
    return None


def _pair(prepared: Prepared) -> DataPair | None:
    """The chosen data, None while there are none."""
    job = chosen_job(prepared)
    if job is None:
        return prepared.data
    return pair_of(job) if job.state == "finished" else None


def _choices(table: SensitivityTable, pairs: Sequence[BitPair]) -> tuple[Limit, int | None]:
    """How much loss, and of a table of weights alone the bits of all inputs."""
    offered = {limit.name: limit for limit in limits(table, pairs)}
    four = next((name for name in offered if name.endswith(" 4 bits")), next(iter(offered)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        name = st.selectbox(
            "Predicted loss at most that of",
            list(offered),
            index=list(offered).index(four),
            key="hardware_limit",
            format_func=lambda one: f"{one}, ΔL {fmt.loss(offered[one].loss)}",
            width=330,
            help="Every policy keeps within it. It is the sum of ΔL of the layers.",
        )
        if table.config.target != "weight":
            return offered[name], None
        inputs = st.selectbox(
            "Layer inputs",
            GRID_BITS,
            index=GRID_BITS.index(_INPUTS),
            key="hardware_cross_inputs",
            format_func=lambda bits: f"{bits} bits",
            width=135,
            help="Of every layer, in every policy. This table is of weights alone: the predicted "
            "loss does not hold what rounding inputs adds.",
        )
    return offered[name], inputs


def _across(
    table: SensitivityTable, machines: Mapping[str, Hardware], limit: float, inputs: int | None
) -> CrossTable:
    names = ",".join(f"{one.name}@{one.revision}" for one in machines.values())
    key = f"{table_key(table)}|{names}|{limit!r}|{inputs}"
    return _found(key, table, tuple(machines.values()), limit, inputs)


@st.cache_resource(max_entries=32, show_spinner="Choosing bits for every hardware …")
def _found(
    key: str,
    _table: SensitivityTable,
    _machines: tuple[Hardware, ...],
    _limit: float,
    _inputs: int | None,
) -> CrossTable:
    return across(_table, _machines, _limit, _inputs)


def _troubles(found: CrossTable, titles: Mapping[str, str]) -> None:
    for line in troubles(found, titles):
        st.caption(fmt.plain(line))


def _policies(prepared: Prepared, found: CrossTable, titles: Mapping[str, str], focus: str) -> None:
    """Bits of each policy; layers on which all agree are grey."""
    names = [layer.name for layer in prepared.network.layers]
    known = {
        fmt.label(titles[name]): policy
        for name, policy in zip(found.names, found.policies, strict=True)
        if policy is not None
    }
    kinds = {"weights": {name: [w.bits for w in policy] for name, policy in known.items()}}
    inputs = {name: [w.activation_bits for w in policy] for name, policy in known.items()}
    if all(bits is not None for row in inputs.values() for bits in row):
        kinds["inputs"] = {n: [b for b in row if b is not None] for n, row in inputs.items()}
    for what, rows in kinds.items():
        st.markdown(f"**Bits of {what} in each policy.** Layers on which all agree are grey.")
        chart(
            bit_rows_figure(
                names,
                [BitsRow(name, bits) for name, bits in rows.items()],
                focus,
                palette(),
                grey_equal=True,
            ),
            f"hardware-policies-{what}",
            f"Bits of the {what} of each layer in the policy of every hardware.",
            focus_clicked,
        )
