"""What is dialled on the page Allocate: one value that links, undo and history are about."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from qcore.sensitivity.config import Width

Method = Literal["ilp", "interaction"]
Widths = tuple[Width, ...]
"""A configuration: the width of each layer, in running order."""


@dataclass(frozen=True)
class FromSearch:
    """A configuration of bits per kernel: that which the search job of this id found."""

    job: str


Kept = Widths | FromSearch
"""A configuration that is put aside."""

MOST_KEPT = 4


@dataclass(frozen=True)
class Dialled:
    """A budget by name and its value in its own unit (None: where the page begins), and all that
    the answer depends on.

    ``second`` is another budget to keep at once, ``inputs`` the bits of every layer's input where
    the table is of weights alone, ``pins`` (layer, weight bits) pairs by layer, ``kept`` the
    configurations put aside, the oldest first.
    """

    budget: str = "size_bytes"
    value: float | None = None
    second: tuple[str, float] | None = None
    hardware: str | None = None
    inputs: int | None = None
    method: Method = "ilp"
    pins: tuple[tuple[str, int], ...] = ()
    kept: tuple[Kept, ...] = ()

    @property
    def question(self) -> Dialled:
        """Without what the answer does not depend on."""
        return replace(self, kept=())


def with_pin(dialled: Dialled, layer: str, bits: int | None) -> Dialled:
    """The layer pinned to ``bits``, or (None) free. Example: pins (("a", 4),), None: ()."""
    pins = {name: pin for name, pin in dialled.pins if name != layer}
    if bits is not None:
        pins[layer] = bits
    return replace(dialled, pins=tuple(sorted(pins.items())))


def with_kept(dialled: Dialled, kept: Kept) -> Dialled:
    """One more configuration put aside; the same where it is there already or four are."""
    if kept in dialled.kept or len(dialled.kept) >= MOST_KEPT:
        return dialled
    return replace(dialled, kept=(*dialled.kept, kept))


def without_kept(dialled: Dialled, number: int) -> Dialled:
    """Configuration ``number`` taken away."""
    return replace(dialled, kept=dialled.kept[:number] + dialled.kept[number + 1 :])
