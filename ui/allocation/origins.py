"""Who found the configurations that are put aside; not in the link."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from ui.allocation.dialled import Kept

_ORIGINS = "dial_origins"


@dataclass(frozen=True)
class Origin:
    """Who found a configuration in a word or two, and what more is known of it."""

    name: str
    about: str = ""


def note_origin(network: str, kept: Kept, origin: Origin) -> None:
    """For this session. ``network`` is its fingerprint."""
    st.session_state.setdefault(_ORIGINS, {})[network, kept] = origin


def origin_of(network: str, kept: Kept) -> Origin | None:
    """None of what came from the dial or with a link."""
    found: Origin | None = st.session_state.get(_ORIGINS, {}).get((network, kept))
    return found
