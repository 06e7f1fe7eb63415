"""The form's fields by key, and what they take over from a race that comes into view."""

from __future__ import annotations

import streamlit as st

from ui.search.address import write_race
from ui.search.race import Race
from ui.search.settings import fill_settings

AGENTS, LEVEL, BUDGET, VALUE = "search_agents", "search_level", "search_budget", "search_value"
EVALUATOR, IMAGES, FINE_TUNE = "search_evaluator", "search_images", "search_fine_tune"
EPISODES, SEEDS = "search_episodes", "search_seeds"
LIMITS = "search_limits"
"""Budgets that were set here, by name, in their own units."""
LAYERS, KERNELS = "Layers", "Kernels"
_FILLED = "search_filled"


def fill(race: Race | None) -> None:
    """Where another race comes into view, ask what it asked. Changes after that stay."""
    if race is None or st.session_state.get(_FILLED) == write_race(race):
        return
    asked = race.asked
    name, value = asked.budgets[0]
    st.session_state[_FILLED] = write_race(race)
    st.session_state[AGENTS] = [entry.agent for entry in race.agents]
    st.session_state[LEVEL] = KERNELS if asked.per_kernel else LAYERS
    st.session_state[BUDGET] = name
    st.session_state[LIMITS] = {name: value}
    st.session_state[EVALUATOR] = asked.evaluator
    st.session_state[EPISODES] = asked.episodes
    st.session_state[SEEDS] = race.seeds
    if asked.images is not None:
        st.session_state[IMAGES] = asked.images
        st.session_state[FINE_TUNE] = asked.fine_tune_steps
    for entry in race.agents:
        fill_settings(entry.agent, entry.settings)


def filled(race: Race) -> None:
    """The fields are this race's already: it was asked with them."""
    st.session_state[_FILLED] = write_race(race)
