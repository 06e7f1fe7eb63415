"""What each agent can be told: a few of its settings, the others at their defaults."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import streamlit as st

from qcore.agents.config import CONFIGS, TITLES, AgentConfig, AgentName
from ui import format as fmt

SHOWN: dict[AgentName, tuple[str, ...]] = {
    "releq": ("action_set", "reward_time", "threshold", "learning_rate", "rollout_episodes"),
    "haq": ("variant", "warm_up", "noise", "noise_decay", "updates_per_step"),
    "autoq": ("warmup_episodes", "sigma", "sigma_decay", "zeta_last", "zeta_episodes"),
}
"""The settings that matter most; one that an agent does not have is left out."""


def settings(
    agents: Sequence[AgentName],
) -> tuple[dict[AgentName, AgentConfig], str | None]:
    """The fields, in an expander; each agent's configuration, or why it cannot be."""
    found: dict[AgentName, AgentConfig] = {}
    trouble = None
    with st.expander("Settings of the agents", icon=":material/settings:"):
        for agent, column in zip(agents, st.columns(max(len(agents), 1)), strict=False):
            with column:
                st.markdown(f"**{TITLES[agent]}**")
                values = {name: _field(agent, name) for name in shown_settings(agent)}
                try:
                    found[agent] = CONFIGS[agent](**values)
                except ValueError as error:
                    found[agent] = CONFIGS[agent]()
                    trouble = f"{TITLES[agent]}: {error}"
                    st.error(fmt.plain(str(error)), icon=":material/error:")
    return found, trouble


def fill_settings(agent: AgentName, asked: AgentConfig) -> None:
    """Put a configuration into the fields; call before they are drawn."""
    for name in shown_settings(agent):
        st.session_state[_key(agent, name)] = getattr(asked, name)


def shown_settings(agent: AgentName) -> list[str]:
    """Names of the fields that are drawn."""
    there = {field.name for field in fields(CONFIGS[agent])}
    return [name for name in SHOWN.get(agent, ()) if name in there]


def about_setting(agent: AgentName, name: str) -> str | None:
    """What a setting is, from the docstring of its configuration; None where that does not say."""
    text = " ".join((CONFIGS[agent].__doc__ or "").split())
    names = r"(?:``\w+``, )*"
    found = re.search(rf"{names}``{name}``(?:, ``\w+``)*: (.*?)(?= {names}``\w+``:|$)", text)
    return None if found is None else fmt.plain(fmt.capital(found[1]))


def _key(agent: AgentName, name: str) -> str:
    return f"search-{agent}-{name}"


def _field(agent: AgentName, name: str) -> Any:
    kind = get_type_hints(CONFIGS[agent])[name]
    default: Any = {field.name: field.default for field in fields(CONFIGS[agent])}[name]
    common: Mapping[str, Any] = {
        "key": _key(agent, name),
        "persist_state": "session",
        "help": about_setting(agent, name),
    }
    label = fmt.capital(name.replace("_", " "))
    if get_origin(kind) is Literal:
        options = list(get_args(kind))
        return st.selectbox(label, options, index=options.index(default), **common)
    if kind is bool:
        return st.toggle(label, value=default, **common)
    if kind is int:
        return st.number_input(label, min_value=0, value=default, step=1, **common)
    return st.number_input(label, value=float(default), step=default / 10, format="%g", **common)
