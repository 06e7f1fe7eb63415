"""A file of figures that a visitor has: a table (CSV) or a roofline (JSON)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware import BitPair
from qcore.hardware.own_table import OwnTable, own_table_hardware
from qcore.hardware.own_table_file import (
    MOST_CHARACTERS,
    WrongLines,
    read_table_csv,
    table_template_csv,
)
from qcore.hardware.refusal import listed
from qcore.hardware.roofline_file import LONGEST_TITLE, checked_title, read_roofline
from qcore.prepare.prepared import Prepared
from qcore.quantize.limits import GRID_BITS
from qcore.store.own_hardware import Kind, hardware_text
from ui import format as fmt
from ui.downloads import download
from ui.hardware import own_kept
from ui.models import file_name_of

_MOST_MB = -(-MOST_CHARACTERS // 2**20)
_TURN = "own_upload_turn"
_SHOWN = 10
_FULL = BitPair(None, None)
_TEMPLATES: dict[str, tuple[BitPair, ...]] = {
    "8/8 and fp32": (BitPair(8, 8), _FULL),
    "the same bits, and fp32": (*(BitPair(b, b) for b in GRID_BITS), _FULL),
    "all pairs of 2 to 8 bits": tuple(BitPair(w, a) for w in GRID_BITS for a in GRID_BITS),
}


@dataclass(frozen=True, eq=False)
class _File:
    """What a file holds: ``words`` about it, or the lines that are wrong with it."""

    kind: Kind
    title: str
    words: str = ""
    wrong: tuple[str, ...] = ()


def upload(prepared: Prepared) -> None:
    """A box for one file; what is in it, or every line that is wrong; and a table to fill in."""
    turn = st.session_state.setdefault(_TURN, 0)
    file = st.file_uploader(
        "Drop a table (.csv) or a roofline (.json)",
        type=["csv", "json"],
        key=f"own-file-{turn}",
        max_upload_size=_MOST_MB,
        help="A table has a line for each layer and pair of bits: layer, weight_bits, "
        "activation_bits (1 to 16, or fp32), ms, mJ or both. In place of layer it may have the "
        "layer's shape: op, weight_shape, output_shape, groups. A line without a figure says that "
        "the layer does not run so.",
    )
    if file is None:
        _template(prepared.network)
        return
    try:
        text = hardware_text(file.getvalue())
    except BadInput as error:
        st.error(fmt.plain(fmt.capital(str(error))), icon=":material/error:")
        _template(prepared.network)
        return
    found = _read(file.name, text, prepared.network.fingerprint, prepared.network)
    if found.wrong:
        _wrong(found.wrong)
        _template(prepared.network)
        return
    st.markdown(fmt.plain(found.words))
    _keep(found, text, turn)


@st.cache_data(max_entries=4, show_spinner="Reading the file …")
def _read(name: str, text: str, fingerprint: str, _network: Description) -> _File:
    kind: Kind = "roofline" if Path(name).suffix.lower() == ".json" else "table"
    title = " ".join(Path(name).stem.replace("_", " ").split())[:LONGEST_TITLE]
    try:
        if kind == "roofline":
            roofline = read_roofline(text)
            peaks = f"{len(roofline.peaks)} peak{'s' * (len(roofline.peaks) != 1)}"
            words = f"A roofline with {peaks} and {roofline.gigabytes_per_s:g} GB/s."
            return _File(kind, roofline.title, words)
        return _File(kind, title, _about(read_table_csv(text, _network), _network))
    except WrongLines as error:
        return _File(kind, title, wrong=error.lines)
    except BadInput as error:
        return _File(kind, title, wrong=(str(error),))


def _about(table: OwnTable, network: Description) -> str:
    """Example: 22 lines of latency for a batch of 1; weights of 8 bits, inputs of 8 bits."""
    machine = own_table_hardware("", "", table)
    known = " and ".join(["latency"] * table.has_latency + ["energy"] * table.has_energy)
    return (
        f"{len(table.entries):,} lines of {known} for a batch of {table.batch:,}; weights of "
        f"{listed(machine.weight_bits)}, inputs of {listed(machine.activation_bits)}. Where one of "
        f"this network's {len(network.layers):,} layers has no figure, it does not run."
    )


def _wrong(lines: tuple[str, ...]) -> None:
    """All of them can be read: the first ones at once, the rest in a table."""
    count = f"{len(lines):,} lines are wrong" if len(lines) > 1 else "The file is wrong"
    st.error(
        f"{count}; nothing was kept. Mend the file and drop it again.", icon=":material/error:"
    )
    st.markdown("\n".join(f"- {fmt.plain(fmt.capital(line))}" for line in lines[:_SHOWN]))
    if len(lines) > _SHOWN:
        with st.expander(f"All {len(lines):,} lines"):
            st.dataframe(
                pd.DataFrame({"what is wrong": lines}), hide_index=True, alt="Every wrong line."
            )


def _keep(found: _File, text: str, turn: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = st.text_input(
            "Title", found.title, max_chars=LONGEST_TITLE, key=f"own-title-{turn}", width=320
        )
        fault = _fault_of(title)
        st.button(
            "Keep",
            type="primary",
            icon=":material/save:",
            key="own-keep-file",
            disabled=fault is not None,
            on_click=_kept,
            args=(title, found.kind, text, turn),
        )
    if fault is not None:
        st.error(fmt.plain(fmt.capital(fault)))


def _fault_of(title: str) -> str | None:
    try:
        checked_title(title)
    except BadInput as error:
        return str(error)
    return None


def _kept(title: str, kind: Kind, text: str, turn: int) -> None:
    if own_kept.keep(title, kind, text) is not None:
        st.session_state[_TURN] = turn + 1  # a new box: the old one lets go of the file


def _template(network: Description) -> None:
    """A table of this network, to fill in."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Bits of the table to fill in", list(_TEMPLATES), width=260)
        download(
            "Table to fill in (CSV)",
            lambda: table_template_csv(network, _TEMPLATES[chosen]),
            f"{file_name_of(network.name)}-hardware.csv",
            "own-template",
        )
