"""Configurations that other pages put aside for the dial's comparison."""

from __future__ import annotations

from qcore.prepare.prepared import Prepared
from ui.allocation import session
from ui.allocation.dialled import MOST_KEPT, Kept
from ui.allocation.origins import Origin, note_origin


def keep(prepared: Prepared, kept: Kept, origin: str | None = None, about: str = "") -> None:
    """Put it aside, of this network; call from a callback. Nothing happens where ``keep_trouble``
    says why.

    ``origin`` is shown under its letter while the session lasts: who found it, as "HAQ";
    ``about`` is the help beside it: for which budget, and how.
    """
    if keep_trouble(prepared, kept) is not None:
        return
    session.keep(prepared.network.fingerprint, kept)
    if origin is not None:
        note_origin(prepared.network.fingerprint, kept, Origin(origin, about))


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
