"""What a stable-baselines3 model has learnt, as arrays: its own files are pickles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.buffers import ReplayBuffer
from torch import Tensor

from qcore.agents.checkpoint import AgentState, Array

_BUFFER = ("observations", "next_observations", "actions", "rewards", "dones", "timeouts")


def learner_state(model: BaseAlgorithm, prefix: str = "") -> AgentState:
    """Networks, optimisers, transitions and counters of a model; names begin with ``prefix``.

    An off-policy model's transitions are those of its replay buffer; an on-policy one has to be
    between two of its rollouts.
    """
    arrays: dict[str, Array] = {}
    for part, state in model.get_parameters().items():
        for name, value in _flat(state).items():
            arrays[f"{prefix}{part}|{name}"] = value.detach().cpu().numpy().copy()
    facts = {"updates": int(getattr(model, "_n_updates", 0)), "steps": model.num_timesteps}
    buffer = getattr(model, "replay_buffer", None)
    if isinstance(buffer, ReplayBuffer):
        used = buffer.buffer_size if buffer.full else buffer.pos
        facts |= {"pos": buffer.pos, "full": bool(buffer.full)}
        for name in _BUFFER:
            arrays[f"{prefix}buffer|{name}"] = getattr(buffer, name)[:used].copy()
    return AgentState({f"{prefix}learner": facts}, arrays)


def restore_learner(model: BaseAlgorithm, known: AgentState, prefix: str = "") -> None:
    """Bring a model that was made alike to where ``learner_state`` was taken."""
    facts = known.facts[f"{prefix}learner"]
    found: dict[str, Any] = {
        part: _unflat(state, f"{prefix}{part}|", known.arrays)
        for part, state in model.get_parameters().items()
    }
    model.set_parameters(found)
    model.num_timesteps = facts["steps"]
    model._n_updates = facts["updates"]
    buffer = getattr(model, "replay_buffer", None)
    if isinstance(buffer, ReplayBuffer):
        buffer.pos, buffer.full = facts["pos"], facts["full"]
        for name in _BUFFER:
            kept = known.arrays[f"{prefix}buffer|{name}"]
            getattr(buffer, name)[: len(kept)] = kept


def random_state() -> AgentState:
    """Of the generators that the library draws from: numpy's global one and torch's."""
    kind, keys, position, has_gauss, gauss = np.random.get_state(legacy=True)
    facts = {"numpy": [kind, int(position), int(has_gauss), float(gauss)]}
    return AgentState(facts, {"numpy": np.asarray(keys), "torch": torch.get_rng_state().numpy()})


def restore_random(known: AgentState) -> None:
    """Draw on as from where ``random_state`` was taken."""
    kind, position, has_gauss, gauss = known.facts["numpy"]
    np.random.set_state((kind, known.arrays["numpy"], position, has_gauss, gauss))
    torch.set_rng_state(torch.from_numpy(known.arrays["torch"].copy()))


def joined(*states: AgentState) -> AgentState:
    """All of them as one; their names have to differ."""
    facts: dict[str, Any] = {}
    arrays: dict[str, Array] = {}
    for state in states:
        facts |= state.facts
        arrays |= state.arrays
    return AgentState(facts, arrays)


def _flat(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Tensors of a module's or an optimiser's state by name."""
    if "param_groups" not in state:
        return dict(state)
    return {f"{i}|{name}": v for i, one in state["state"].items() for name, v in one.items()}


def _unflat(state: Mapping[str, Any], prefix: str, arrays: Mapping[str, Array]) -> dict[str, Any]:
    """The same state with the values in ``arrays``."""
    own = {
        name.removeprefix(prefix): torch.from_numpy(np.array(value))
        for name, value in arrays.items()
        if name.startswith(prefix)
    }
    if "param_groups" not in state:
        return own
    each: dict[int, dict[str, Tensor]] = {}
    for name, value in own.items():
        number, _, key = name.partition("|")
        each.setdefault(int(number), {})[key] = value
    return {"state": each, "param_groups": state["param_groups"]}
