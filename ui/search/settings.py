"""What each agent can be told: a few of its settings, the others at their defaults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

import streamlit as st

from qcore.agents.config import CONFIGS, TITLES, AgentConfig, AgentName
from ui import format as fmt

SHOWN: dict[AgentName, tuple[str, ...]] = {
    "releq": ("action_set", "reward_time", "threshold", "learning_rate", "rollout_episodes"),
    "haq": ("variant", "warm_up_episodes", "sigma", "sigma_decay", "updates_per_step"),
    "autoq": ("warm_up_episodes", "sigma", "sigma_decay", "zeta_last", "zeta_episodes"),
}
"""The settings that matter most."""


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
                values = {name: _field(agent, name) for name in SHOWN.get(agent, ())}
                try:
                    found[agent] = CONFIGS[agent](**values)
                except ValueError as error:
                    found[agent] = CONFIGS[agent]()
                    trouble = f"{TITLES[agent]}: {error}"
                    st.error(fmt.plain(str(error)), icon=":material/error:")
    return found, trouble


def fill_settings(agent: AgentName, asked: AgentConfig) -> None:
    """Put a configuration into the fields; call before they are drawn."""
    for name in SHOWN.get(agent, ()):
        st.session_state[_key(agent, name)] = getattr(asked, name)


def _key(agent: AgentName, name: str) -> str:
    return f"search-{agent}-{name}"


def _field(agent: AgentName, name: str) -> Any:
    kind = get_type_hints(CONFIGS[agent])[name]
    field = next(field for field in fields(CONFIGS[agent]) if field.name == name)
    default: Any = field.default
    common: Mapping[str, Any] = {
        "key": _key(agent, name),
        "persist_state": "session",
        "help": field.metadata["help"],
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
