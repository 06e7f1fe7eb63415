"""A search as it is kept to go on later: bytes without pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from qcore import fields
from qcore.agents.episode import Episode

Array = npt.NDArray[Any]

MOST_BYTES = 2**30
"""Of a checkpoint in a file; searches here keep 0.2 to 45 MB."""


@dataclass(frozen=True, eq=False)
class AgentState:
    """What an agent needs to go on as if it had not stopped: ``facts`` are JSON values."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A search after some whole episodes; ``about`` is which one, see ``search_identity``."""

    about: str
    episodes: tuple[Episode, ...]
    agent: AgentState

    def to_bytes(self) -> bytes:
        """A safetensors file."""
        known = {
            "about": self.about,
            "episodes": [episode.to_json() for episode in self.episodes],
            "facts": dict(self.agent.facts),
        }
        # Not ascontiguousarray: it gives a number a dimension.
        arrays = {name: np.asarray(a, order="C") for name, a in self.agent.arrays.items()}
        text = np.frombuffer(json.dumps(known).encode(), dtype=np.uint8)
        found: bytes = save({**{f"a|{name}": a for name, a in arrays.items()}, "known": text})
        return found

    @staticmethod
    def from_bytes(data: bytes) -> Checkpoint:
        """The inverse of ``to_bytes``. ValueError for other bytes."""
        try:
            arrays = load(data)
            known = json.loads(arrays.pop("known").tobytes())
            episodes = tuple(Episode.from_json(one) for one in known["episodes"])
            rest = {name.removeprefix("a|"): a for name, a in arrays.items()}
            facts = fields.table(known, "facts")
            return Checkpoint(fields.text(known, "about"), episodes, AgentState(facts, rest))
        except (SafetensorError, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"this is no checkpoint of a search ({error})") from error
