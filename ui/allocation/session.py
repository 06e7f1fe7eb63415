"""What is dialled now, what was before, and the way back. The present one is in the URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import streamlit as st

from ui.allocation.address import PARAMETERS, Scope, read_query, to_query
from ui.allocation.dialled import Dialled, Kept, Widths, with_kept
from ui.state import put_in_url

_NOW, _PAST, _FUTURE = "dial_now", "dial_past", "dial_future"
_NETWORK, _OF_NETWORKS = "dial_network", "dials_of_networks"
_WRITTEN, _SHOWN, _WORDS = "dial_written", "dial_shown", "dial_words"
_MOST_PAST = 100

NOTES = "dial_ignored"
"""Session key: the parameters of the link that were left out."""


@dataclass(frozen=True)
class Shown:
    """The answer on the screen: its configuration, and its costs by name in their own units."""

    widths: Widths
    costs: Mapping[str, float]


def begin(network: str, scope: Scope) -> Dialled:
    """What is dialled now. ``network`` is its fingerprint: each has its own state, and one that
    does not fit the table is brought into what can be chosen."""
    _follow(network)
    query = {name: st.query_params[name] for name in PARAMETERS if name in st.query_params}
    if query and query != st.session_state.get(_WRITTEN):
        found, st.session_state[NOTES] = read_query(query, scope)
        if found != st.session_state.get(_NOW):
            _go(found)
    elif _NOW in st.session_state:
        kept = {n: v for n, v in to_query(now(), scope).items() if v is not None}
        st.session_state[_NOW], ignored = read_query(kept, scope)
        st.session_state[NOTES] = ignored or st.session_state.get(NOTES, ())
    st.session_state.setdefault(_NOW, Dialled())
    _write(scope)
    return now()


def now() -> Dialled:
    """What is dialled; call after ``begin``, or from a callback."""
    found: Dialled = st.session_state[_NOW]
    return found


def change(dialled: Dialled) -> None:
    """Dial something else; call from a callback. What was dialled before can be taken up again."""
    if dialled != now():
        st.session_state[NOTES] = ()
        _go(dialled)


def undo() -> None:
    """Take up what was dialled before; call from a callback."""
    _step(_PAST, _FUTURE)


def redo() -> None:
    """Take up what was undone; call from a callback."""
    _step(_FUTURE, _PAST)


def can_undo() -> bool:
    return bool(st.session_state.get(_PAST))


def can_redo() -> bool:
    return bool(st.session_state.get(_FUTURE))


def past() -> list[tuple[Dialled, str]]:
    """What was dialled before, in words, the newest first."""
    words: dict[Dialled, str] = st.session_state.get(_WORDS, {})
    return [(one, words.get(one, "")) for one in reversed(st.session_state.get(_PAST, []))]


def show(shown: Shown, words: str) -> None:
    """Note what the screen shows, for callbacks, and how history calls it."""
    st.session_state[_SHOWN] = shown
    st.session_state.setdefault(_WORDS, {})[now()] = words


def shown() -> Shown | None:
    """The answer that the screen shows, None before there was one."""
    found: Shown | None = st.session_state.get(_SHOWN)
    return found


def of_network(network: str) -> tuple[Shown | None, tuple[Kept, ...]]:
    """For other pages: the answer that Allocate showed last of a network (its fingerprint), and the
    configurations put aside there. Nothing where the last network was another."""
    if st.session_state.get(_NETWORK) != network or _NOW not in st.session_state:
        return None, ()
    return shown(), now().kept


def kept_of(network: str) -> tuple[Kept, ...]:
    """For other pages: the configurations of a network that are put aside, wherever its dial is."""
    if st.session_state.get(_NETWORK) in (None, network):
        found = st.session_state.get(_NOW)
    else:
        found = st.session_state.get(_OF_NETWORKS, {}).get(network, {}).get(_NOW)
    return () if found is None else found.kept


def keep(network: str, kept: Kept) -> None:
    """For callbacks of other pages: put a configuration aside, whether or not Allocate has been
    seen. The link is written when it is."""
    _switch(network)
    st.session_state.setdefault(_NOW, Dialled())
    change(with_kept(now(), kept))


def _go(dialled: Dialled) -> None:
    before = st.session_state.get(_NOW)
    if before is not None:
        earlier = [*st.session_state.get(_PAST, []), before]
        st.session_state[_PAST] = earlier[-_MOST_PAST:]
    st.session_state[_FUTURE] = []
    st.session_state[_NOW] = dialled


def _step(source: str, target: str) -> None:
    if st.session_state.get(source):
        st.session_state.setdefault(target, []).append(now())
        st.session_state[_NOW] = st.session_state[source].pop()


def _follow(network: str) -> None:
    """The dial of this network; the link was another's."""
    if _switch(network):
        for name in PARAMETERS:
            put_in_url(name, None)


def _switch(network: str) -> bool:
    """Another network's state, its history with it, waits for it to come back."""
    before = st.session_state.get(_NETWORK)
    st.session_state[_NETWORK] = network
    if before in (None, network):
        return False
    names = (_NOW, _PAST, _FUTURE)
    waiting = st.session_state.setdefault(_OF_NETWORKS, {})
    waiting[before] = {name: st.session_state.pop(name, None) for name in names}
    _take_up(waiting.get(network))
    st.session_state.pop(_SHOWN, None)
    return True


def _take_up(state: dict[str, object] | None) -> None:
    found = {name: value for name, value in (state or {}).items() if value is not None}
    st.session_state.update(found or {_NOW: Dialled()})


def _write(scope: Scope) -> None:
    query = to_query(now(), scope)
    for name, value in query.items():
        put_in_url(name, value)
    st.session_state[_WRITTEN] = {n: v for n, v in query.items() if v is not None}


def in_unit(dialled: Dialled, name: str) -> Dialled:
    """Another budget; the configuration in view stays: the new budget is what it costs."""
    seen = shown()
    value = None if seen is None else seen.costs.get(name)
    second = dialled.second
    if second is not None and second[0] == name:
        second = None
    return replace(dialled, budget=name, value=value, second=second)


def at_value(value: float) -> Dialled:
    """The same with another value of the budget."""
    return replace(now(), value=value)
