"""Configurations that the page Allocate has of a network."""

from __future__ import annotations

from qcore.prepare.prepared import Prepared
from ui.allocation import session
from ui.allocation.dialled import FromSearch, Widths
from ui.allocation.points import letter
from ui.hardware.chosen import LINK, UNIFORM

_DIAL = "dial"


def configurations(prepared: Prepared) -> dict[str, Widths]:
    """Name -> bits of each layer: the one on the dial, then those that were put aside. Bits per
    kernel are not among them: no hardware says what a layer of several widths takes."""
    shown, kept = session.of_network(prepared.network.fingerprint)
    dial = {} if shown is None else {_DIAL: shown.widths}
    each = enumerate(kept)
    return dial | {letter(n): one for n, one in each if not isinstance(one, FromSearch)}


def source_title(source: str) -> str:
    """What a source is called in the menu. Example: A -> kept A."""
    fixed = {UNIFORM: "uniform", _DIAL: "on the dial", LINK: "as in the link"}
    return fixed.get(source, f"kept {source}")
