"""What is known from images that were not used to choose."""

from __future__ import annotations

from dataclasses import dataclass

from qcore.prepare.prepared import Prepared
from ui.allocation.workbench import Answer
from ui.evaluations import Measured, Measurement, Setting, measured, measurement_of


@dataclass(frozen=True, eq=False)
class HeldOut:
    """``own`` is the measurement of the answer on the dial, None without one; ``rows`` are all of
    this network."""

    setting: Setting
    rows: list[Measured]
    own: Measurement | None


def held_out(prepared: Prepared, setting: Setting, answer: Answer) -> HeldOut:
    """Look it up, once for a rerun."""
    own = None
    if answer.allocation is not None:
        own = measurement_of(prepared, answer.named, setting)
    return HeldOut(setting, measured(prepared, setting), own)
