"""A piece of long work as the store knows it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["queued", "running", "finished", "cancelled", "failed"]

SILENT_SECONDS = 20.0
"""An active job that has not been heard of for this long has lost its process."""

BEAT_SECONDS = 4.0
"""How often a process shows that it is still there for a job, however long one step takes."""


@dataclass(frozen=True)
class Job:
    """One question and how far its answer is. ``fraction`` is of all the work, 0 to 1.

    ``attempt_at`` (seconds since 1970) and ``attempt_fraction`` belong to the present attempt;
    ``seconds`` are those of all attempts.
    """

    id: str
    kind: str
    question: Mapping[str, Any]
    state: State
    fraction: float
    message: str
    cancel_requested: bool
    attempt_at: float | None
    attempt_fraction: float
    beat_at: float | None
    asked_at: float
    seconds: float
    result: Mapping[str, Any] | None

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")

    @property
    def stopping(self) -> bool:
        return self.active and self.cancel_requested

    def lost(self, now: float | None = None) -> bool:
        """True for an active job that nobody has been there for in ``SILENT_SECONDS``."""
        heard = self.beat_at or self.asked_at
        return self.active and (now or time.time()) - heard > SILENT_SECONDS

    def seconds_left(self, now: float | None = None) -> float | None:
        """Estimate from this attempt's own speed; None before it has done 1 % of the work.

        Example: begun at 20 % and now, 30 s later, at 50 %: 50 s left.
        """
        if self.state != "running" or self.attempt_at is None:
            return None
        gained = self.fraction - self.attempt_fraction
        if gained < 0.01:
            return None
        spent = (now or time.time()) - self.attempt_at
        return spent * (1 - self.fraction) / gained


def job_id(kind: str, question: Mapping[str, Any]) -> str:
    """128 bits of the question's SHA-256: one question, one job."""
    text = json.dumps([kind, question], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]
