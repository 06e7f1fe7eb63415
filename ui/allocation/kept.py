"""Configurations that other pages put aside for the dial's comparison."""

from __future__ import annotations

from qcore.prepare.prepared import Prepared
from ui.allocation import session
from ui.allocation.dialled import MOST_KEPT, Kept


def keep(prepared: Prepared, kept: Kept) -> None:
    """Put it aside, of this network; call from a callback. Nothing happens where ``keep_trouble``
    says why."""
    session.keep(prepared.network.fingerprint, kept)


def keep_trouble(prepared: Prepared, kept: Kept) -> str | None:
    """Why it cannot be put aside now, as the help of a button; None where it can."""
    there = session.kept_of(prepared.network.fingerprint)
    if kept in there:
        return "It is in the comparison already, on the page Allocate under Compare."
    if len(there) >= MOST_KEPT:
        return (
            f"The comparison has {MOST_KEPT} configurations already: remove one on the page "
            "Allocate under Compare."
        )
    return None
