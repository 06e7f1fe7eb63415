"""Results to take away: to the dial's comparison, and as files."""

from __future__ import annotations

import streamlit as st

from qcore.agents.setting import SearchSetting
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.allocation import session
from ui.allocation.dialled import FromSearch, Kept
from ui.allocation.kept import keep, keep_trouble
from ui.models import file_name_of
from ui.search.files import configuration_json
from ui.search.race import Race
from ui.search.results import Result
from ui.search.words import race_words

_SENT = "search_sent"
_NOT_KERNELS = "Of bits for kernels the comparison takes what an agent's whole run found."


def take(prepared: Prepared, race: Race, setting: SearchSetting, one: Result) -> None:
    """Two buttons in a row."""
    kept = _kept(setting, one)
    trouble = _NOT_KERNELS if kept is None else keep_trouble(prepared, kept)
    with st.container(horizontal=True, gap="xsmall"):
        st.button(
            "Compare",
            key=f"search-keep-{one.name}",
            type="tertiary",
            icon=":material/bookmark_add:",
            on_click=_send,
            args=(prepared, kept, one.name, race_words(race)),
            disabled=trouble is not None,
            help=trouble or "Puts it aside on the page Allocate, under Compare.",
        )
        name = f"{file_name_of(prepared.network.name)}-{fmt.file_name(one.name.lower())}.json"
        st.download_button(
            "JSON",
            lambda: configuration_json(setting, one),
            name,
            "application/json",
            key=f"search-json-{one.name}",
            on_click="ignore",
            type="tertiary",
            help="The configuration as a file.",
        )


def _send(prepared: Prepared, kept: Kept, name: str, about: str) -> None:
    keep(prepared, kept, name, about)
    there = session.kept_of(prepared.network.fingerprint)
    if kept in there:
        letter = chr(ord("A") + there.index(kept))
        st.session_state[_SENT] = f"{name} is in the comparison as **{letter}**: page Allocate."


def say_sent() -> None:
    """What the last button did."""
    text = st.session_state.pop(_SENT, None)
    if text is not None:
        st.toast(text, icon=":material/bookmark_added:")


def _kept(setting: SearchSetting, one: Result) -> Kept | None:
    """None where the comparison has no place for it."""
    if setting.kernels is None:
        return tuple(setting.layers.options[option] for option in one.choice)
    return None if one.job is None or not one.finished else FromSearch(one.job)
