"""Rows of bits that can be flipped: one for each format of a number, aligned under each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

Field = Literal["sign", "exponent", "fraction", "integer"]


@dataclass(frozen=True)
class Block:
    """Neighbouring bits of one field, the highest first: zeros and ones, or none.

    A dash stands for a bit that is not there, as every bit of an integer is for NaN. ``signed``:
    the first is the sign of two's complement.
    """

    field: Field
    bits: str
    signed: bool = False


@dataclass(frozen=True)
class BitRow:
    """A format: its bits, how they are read (``reading``), and the number they stand for.

    ``error`` says how far it is from the value of the page.
    """

    key: str
    title: str
    hexadecimal: str
    blocks: tuple[Block, ...]
    reading: str
    value: str
    error: str


@dataclass(frozen=True)
class BitGroup:
    """Rows whose blocks stand under each other; ``heads`` names the blocks."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[BitRow, ...]


@dataclass(frozen=True)
class Flip:
    """The bit that was clicked: the row's key, and the place counted from the left."""

    row: str
    place: int


def _asset(kind: str) -> str:
    return Path(__file__).with_name(f"bit_row.{kind}").read_text(encoding="utf-8")


_mount = st.components.v2.component(
    "bitdial_bit_rows", html='<div class="rows"></div>\n', css=_asset("css"), js=_asset("js")
)


def bit_rows(groups: tuple[BitGroup, ...], key: str, on_flip: Callable[[Flip], None]) -> None:
    """Put them on the page; ``on_flip`` is called before the next run of the page."""

    def flipped() -> None:
        flip = sent_flip(st.session_state[key].get("flip"), groups)
        if flip is not None:
            on_flip(flip)

    _mount(key=key, data={"groups": [asdict(group) for group in groups]}, on_flip_change=flipped)


def sent_flip(sent: object, groups: tuple[BitGroup, ...]) -> Flip | None:
    """What the browser sent, if it names a bit that is there."""
    if not isinstance(sent, Mapping):
        return None
    row, place = sent.get("row"), sent.get("place")
    if not isinstance(row, str) or not isinstance(place, int | float) or isinstance(place, bool):
        return None
    widths = {r.key: sum(len(b.bits) for b in r.blocks) for g in groups for r in g.rows}
    # The comparison is false for NaN.
    return Flip(row, int(place)) if 0 <= place < widths.get(row, 0) else None
