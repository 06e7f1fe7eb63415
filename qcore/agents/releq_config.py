"""What the agent can be told. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReleqConfig:
    """To be written."""
