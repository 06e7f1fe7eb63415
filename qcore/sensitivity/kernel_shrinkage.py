"""How far the values of single kernels were shrunk, and what held-out images say of it.

Free of torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from qcore import fields

Shown = Literal["shrunk", "raw"]


@dataclass(frozen=True)
class HeldOut:
    """Values of the kernels from one half of the images, against the other half's, at one width.

    ``prior_error`` and ``shrunk_error`` are mean squared errors as parts of the raw values'; None
    where those have none. ``..._rank`` are Spearman's correlations over all kernels of the network;
    None where there are too few. ``shown`` is what the rows at this width hold: raw values where
    shrinking made the error larger.
    """

    bits: int
    prior_error: float | None
    shrunk_error: float | None
    raw_rank: float | None
    prior_rank: float | None
    shrunk_rank: float | None
    shown: Shown


@dataclass(frozen=True)
class KernelShrinkage:
    """``kept[i]``: what part of a kernel's distance from the prior ``layers[i]`` keeps, 0 to 1, at
    the widths that are shrunk.

    ``held_out`` has an entry for each bit width; it is of half the images, so of a table that
    trusts its kernels less than the one in hand. ``images`` are those of both halves.
    """

    layers: tuple[str, ...]
    kept: tuple[float, ...]
    held_out: tuple[HeldOut, ...]
    images: int

    def of(self, layer: str) -> float:
        """The part that is kept in that layer. ValueError for an unknown one."""
        return self.kept[self.layers.index(layer)]

    def at(self, bits: int) -> HeldOut:
        """The evidence at that width. ValueError for an unknown one."""
        for one in self.held_out:
            if one.bits == bits:
                return one
        raise ValueError(f"{bits} bits were not measured")

    @property
    def raw_bits(self) -> tuple[int, ...]:
        """The widths whose values stay raw."""
        return tuple(one.bits for one in self.held_out if one.shown == "raw")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> KernelShrinkage:
        """The inverse of ``to_json``; KeyError, TypeError or ValueError for a wrong field."""
        layers = fields.texts(data, "layers")
        kept = tuple(fields.number({"kept": one}, "kept") for one in fields.entries(data, "kept"))
        if len(kept) != len(layers) or not all(0 <= one <= 1 for one in kept):
            raise ValueError("'kept' are not parts between 0 and 1, one for each layer")
        held_out = tuple(_held_out(one) for one in fields.entries(data, "held_out"))
        return KernelShrinkage(layers, kept, held_out, fields.whole(data, "images", 1))


def _held_out(data: Mapping[str, Any]) -> HeldOut:
    names = ("prior_error", "shrunk_error", "raw_rank", "prior_rank", "shrunk_rank")
    values = {name: fields.number_or_none(data, name) for name in names}
    shown = data.get("shown", "shrunk")  # tables without the field have every width shrunk
    if shown not in ("shrunk", "raw"):
        raise ValueError("'shown' is neither 'shrunk' nor 'raw'")
    return HeldOut(fields.whole(data, "bits"), **values, shown=cast(Shown, shown))
