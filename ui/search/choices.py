"""The fields of the form: who runs, for how long, and what they are rewarded by."""

from __future__ import annotations

import streamlit as st

from qcore.agents.config import LAYERS_ONLY, TITLES, AgentName
from qcore.agents.evaluator import EVALUATORS, EvaluatorName
from ui.search.dial import Dial
from ui.search.filling import (
    AGENTS,
    EPISODES,
    EVALUATOR,
    FINE_TUNE,
    IMAGES,
    KERNELS,
    LAYERS,
    LEVEL,
    SEEDS,
)
from ui.search.race import MOST_SEEDS

_AGENTS: tuple[AgentName, ...] = ("releq", "haq", "autoq")
_EVALUATORS: dict[EvaluatorName, str] = {
    "predicted": "Predicted",
    "interaction": "With interactions",
    "measured": "Measured",
}
_ALONE = tuple(agent for agent in _AGENTS if agent not in LAYERS_ONLY)


def choose_level(has_kernels: bool) -> str:
    """Layers or kernels, where there are estimates of kernels."""
    if not has_kernels:
        st.session_state[LEVEL] = LAYERS
    return st.segmented_control(
        "Bits for",
        [LAYERS, KERNELS],
        default=LAYERS,
        required=True,
        key=LEVEL,
        persist_state="session",
        disabled=not has_kernels,
        help="Kernels: bits of every output channel, which AutoQ alone decides. They need a "
        "**Projected** run of **Weights** on the page Sensitivity.",
    )


def choose_agents(alone: bool) -> tuple[AgentName, ...]:
    """Those that can; ``alone`` leaves those for kernels and budgets of loss."""
    if alone:
        st.session_state["search_alone"] = list(_ALONE)
        st.pills(
            "Agents",
            _ALONE,
            key="search_alone",
            selection_mode="multi",
            format_func=lambda a: TITLES[a],
            disabled=True,
            help="AutoQ alone decides for kernels, and within a loss.",
        )
        return _ALONE
    chosen = st.pills(
        "Agents",
        _AGENTS,
        selection_mode="multi",
        default=_AGENTS,
        key=AGENTS,
        persist_state="session",
        format_func=lambda agent: TITLES[agent],
        help="ReLeQ (Elthakeb et al. 2020), HAQ (Wang et al. 2019), AutoQ (Lou et al. 2020). "
        "Random search with as many evaluations always runs beside them.",
    )
    return tuple(agent for agent in _AGENTS if agent in chosen)


def choose_evaluator(
    dial: Dial, per_kernel: bool, saves: bool
) -> tuple[EvaluatorName, int | None, int]:
    """What agents are rewarded by; images and steps of the one that measures."""
    table = dial.bench.fit.whole
    names = list(_EVALUATORS)
    if table.projections is None or per_kernel or saves:
        names.remove("interaction")
    if st.session_state.get(EVALUATOR) not in names:
        st.session_state[EVALUATOR] = names[0]
    chosen = st.selectbox(
        "Rewarded by",
        names,
        key=EVALUATOR,
        persist_state="session",
        format_func=lambda name: _EVALUATORS[name],
        width=150,
        help="; ".join(f"{_EVALUATORS[name]}: {EVALUATORS[name]}" for name in names) + ".",
    )
    if chosen != "measured":
        return chosen, None, 0
    return chosen, *_measuring(table.config.images)


def _measuring(most: int) -> tuple[int, int]:
    """How many images, and steps of fine-tuning before them."""
    if st.session_state.get(IMAGES, 0) > most:
        st.session_state[IMAGES] = most
    images = st.number_input(
        f"Images (of {most:,})",
        min_value=1,
        max_value=most,
        value=min(64, most),
        key=IMAGES,
        persist_state="session",
        width=130,
        help="Of the run's calibration images. What wins is measured on held-out ones.",
    )
    steps = st.number_input(
        "Fine-tune steps",
        min_value=0,
        max_value=1000,
        value=0,
        step=10,
        key=FINE_TUNE,
        persist_state="session",
        width=130,
        help="Training steps of every configuration before it is measured. 0: none.",
    )
    return images, steps


def choose_size() -> tuple[int, int]:
    """Episodes and seeds."""
    episodes = st.number_input(
        "Episodes",
        min_value=10,
        max_value=100_000,
        value=300,
        step=50,
        key=EPISODES,
        persist_state="session",
        width=120,
        help="Walks over all layers, or kernels. The papers take some hundreds.",
    )
    seeds = st.number_input(
        "Seeds",
        min_value=1,
        max_value=MOST_SEEDS,
        value=3,
        key=SEEDS,
        persist_state="session",
        width=130,
        help="Each agent runs so often, with other random numbers: one run may be luck.",
    )
    return episodes, seeds
