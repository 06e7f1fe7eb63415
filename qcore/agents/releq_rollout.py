"""A rollout that is not full yet, as arrays: a search may stop after any episode."""

from __future__ import annotations

from sb3_contrib.common.recurrent.buffers import RecurrentRolloutBuffer

from qcore.agents.checkpoint import AgentState

_PARTS = (
    "observations",
    "actions",
    "rewards",
    "episode_starts",
    "values",
    "log_probs",
    "hidden_states_pi",
    "cell_states_pi",
    "hidden_states_vf",
    "cell_states_vf",
)


def rollout_state(buffer: RecurrentRolloutBuffer) -> AgentState:
    """The steps of the episodes that the policy has not learnt from yet."""
    return AgentState(
        {"rollout": buffer.pos},
        {f"rollout|{name}": getattr(buffer, name)[: buffer.pos] for name in _PARTS},
    )


def restore_rollout(buffer: RecurrentRolloutBuffer, known: AgentState) -> None:
    """Bring an empty rollout of the same size to where ``rollout_state`` was taken."""
    buffer.pos = known.facts["rollout"]
    for name in _PARTS:
        getattr(buffer, name)[: buffer.pos] = known.arrays[f"rollout|{name}"]
