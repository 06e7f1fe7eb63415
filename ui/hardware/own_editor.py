"""A roofline of one's own: every figure can be changed, and is checked as it changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from qcore.errors import BadInput
from qcore.hardware.roofline import Roofline
from qcore.hardware.roofline_file import LONGEST_TITLE, roofline_from_json, roofline_to_json
from qcore.store.own_hardware import PREFIX
from ui import format as fmt
from ui.downloads import download, json_text
from ui.hardware import own_kept
from ui.hardware.own_peaks import COLUMNS, WIDTHS, frame_of, peaks_of

START = "own_start"
"""Session key: what the editor begins with, a preset or a kept roofline by its name."""

_PRESET = "Roofline: "  # how the titles of presets begin
_FIELDS = {
    "gigabytes_per_s": "bandwidth",
    "overhead_us": "overhead",
    "batch": "batch",
    "source": "source",
}


def editor(starts: Mapping[str, Roofline]) -> None:
    """Begin with a preset or a kept roofline, change it, keep or download it."""
    if st.session_state.get(START) not in starts:
        st.session_state[START] = next(iter(starts))
    name = st.selectbox(
        "Begin with",
        list(starts),
        key=START,
        format_func=lambda one: starts[one].title if one in starts else one,
        width=350,
        help="A preset, whose source says where its figures come from, or one that you kept.",
    )
    with st.container(border=True):
        below: dict[str, DeltaGenerator] = {}
        rows = _fields(name, starts[name], below)
        try:
            roofline = _read(rows)
        except BadInput as error:
            place, words = _fault(str(error))
            below[place].caption(f":red[:material/error: {fmt.plain(words)}]")
            roofline = None
        _buttons(name, starts[name], roofline)


def _fields(name: str, start: Roofline, below: dict[str, DeltaGenerator]) -> dict[str, Any]:
    """What stands in the fields, by the names of the file; ``below`` gets a place under each."""
    given: dict[str, Any] = {}
    for field, cell in zip(
        ("title", "gigabytes_per_s", "batch", "overhead_us"), st.columns([3, 1, 1, 1]), strict=True
    ):
        with cell:
            given[field] = _field(field, start, f"own-{field}-{name}")
            below[field] = st.empty()
    left, right = st.columns([3, 2])
    with left:
        given["peaks"] = _peaks_editor(start, f"own-peaks-{name}")
        below["peaks"] = st.empty()
    with right:
        given["source"] = st.text_area(
            "Where the figures come from",
            start.source,
            key=f"own-source-{name}",
            height=190,
            help="Stands wherever this hardware's figures do.",
        )
        below["source"] = st.empty()
    return given


def _field(field: str, start: Roofline, key: str) -> Any:
    if field == "title":
        title = fmt.capital(start.title.removeprefix(_PRESET))
        return st.text_input("Title", title, max_chars=LONGEST_TITLE, key=key)
    if field == "batch":
        return st.number_input("Images in a batch", value=start.batch, step=1, key=key)
    if field == "gigabytes_per_s":
        return st.number_input(
            "Bandwidth (GB/s)",
            value=start.gigabytes_per_s,
            format="%.4g",
            step=1.0,
            key=key,
            help="Bytes that pass between memory and chip, 1e9 a second.",
        )
    return st.number_input(
        "Overhead (µs)",
        value=start.overhead_us,
        format="%.4g",
        step=1.0,
        key=key,
        help="Added for every use of a layer, as the start of a kernel; 0 for none.",
    )


def _peaks_editor(start: Roofline, key: str) -> pd.DataFrame:
    """A line for each pair of widths that the machine has operations for."""
    st.markdown(
        ":small[Operations at best, by bits of weights and inputs]",
        help="A multiply-accumulate is two operations. Other widths run as the fastest of these "
        "that hold them. Click below the last line to add one.",
    )
    config: dict[str, Any] = {
        name: st.column_config.SelectboxColumn(title, options=WIDTHS, required=True, width="small")
        for name, title in list(COLUMNS.items())[:2]
    }
    config["giga_ops_per_s"] = st.column_config.NumberColumn(
        "GOP/s", required=True, format="%.6g", help=f"{fmt.capital(COLUMNS['giga_ops_per_s'])}."
    )
    edited: pd.DataFrame = st.data_editor(
        frame_of(start.peaks),
        key=key,
        num_rows="dynamic",
        hide_index=True,
        column_config=config,
        alt="Peak operations a second for each pair of weight and input bits; can be edited.",
    )
    return edited


def _read(given: Mapping[str, Any]) -> Roofline:
    """The roofline of the fields. Raises BadInput that names the field as the file has it."""
    return roofline_from_json({**given, "peaks": peaks_of(given["peaks"])})


def _fault(message: str) -> tuple[str, str]:
    """The field below which it stands, and the words. Example: bandwidth is 0; give a number from
    1e-06 to 1e+09."""
    words = message.removeprefix("the roofline is wrong: ")
    if words.startswith("peak"):
        place = "peaks"
    else:
        place = next((name for name in _FIELDS if f"'{name}'" in words), "title")
    for name, told in (_FIELDS | COLUMNS).items():
        words = words.replace(f"'{name}'", told)
    return place, fmt.capital(words)


def _buttons(name: str, start: Roofline, roofline: Roofline | None) -> None:
    replaced = name if name.startswith(PREFIX) else None
    changed = roofline is not None and roofline != start
    new = roofline is None or replaced is None or roofline.title != start.title
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Keep" if new else "Keep the changes",
            type="primary",
            icon=":material/save:",
            key="own-keep",
            disabled=not changed,
            on_click=_keep,
            args=(roofline, None if new else replaced),
            help="Under its title, in every list of hardware. Of one that you kept before, the new "
            "figures take the place of the old ones; with another title both are kept.",
        )
        if roofline is not None:
            text = json_text(roofline_to_json(roofline))
            download("Roofline (JSON)", text, f"{fmt.file_name(roofline.title)}.json", "own-json")


def _keep(roofline: Roofline, instead_of: str | None) -> None:
    text = json_text(roofline_to_json(roofline))
    name = own_kept.keep(roofline.title, "roofline", text, instead_of)
    if name is not None:
        st.session_state[START] = name
