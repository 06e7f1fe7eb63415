"""What each kernel's rounding costs: sums over images, whose size does not depend on their number.

Free of torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from qcore import fields
from qcore.sensitivity.projection.bootstrap import Doubles
from qcore.sensitivity.widths import weight_widths

HALVES = 2
_ARRAYS = ("counts", "totals", "squares", "energies")


@dataclass(frozen=True, eq=False)
class KernelSums:
    """Sums over images of the loss that each kernel's rounding alone adds.

    ``totals`` and ``squares`` (2, kernels, bits) are sums of that loss and of its square over the
    images at even and at odd positions of the sample, ``counts`` (2,) the numbers of those images:
    what is chosen on one half can be tried on the other. ``energies`` (kernels, bits) are the sums
    of squares of the rounding errors of each kernel's weights. Kernels follow one another in the
    order of ``layers``, ``kernels[i]`` of them in layer i.
    """

    bits: tuple[int, ...]
    layers: tuple[str, ...]
    kernels: tuple[int, ...]
    counts: npt.NDArray[np.int64]
    totals: Doubles
    squares: Doubles
    energies: Doubles

    def __post_init__(self) -> None:
        shape = (HALVES, sum(self.kernels), len(self.bits))
        if len(self.layers) != len(self.kernels) or self.counts.shape != (HALVES,):
            raise ValueError("sums of other layers")
        if self.totals.shape != shape or self.squares.shape != shape:
            raise ValueError(f"the sums have not the shape {shape}")
        if self.energies.shape != shape[1:]:
            raise ValueError(f"the energies have not the shape {shape[1:]}")

    @property
    def layer_numbers(self) -> npt.NDArray[np.int64]:
        """(kernels,): the place in ``layers`` of each kernel's layer."""
        return np.repeat(np.arange(len(self.layers), dtype=np.int64), self.kernels)

    @property
    def images(self) -> int:
        return int(self.counts.sum())

    def means(self, halves: Sequence[int] = (0, 1)) -> Doubles:
        """(kernels, bits): the mean loss over the images of those halves, NaN without images."""
        chosen = list(halves)
        count = self.counts[chosen].sum()
        found: Doubles = self.totals[chosen].sum(0) / (count if count else np.nan)
        return found

    def joined(self, other: KernelSums) -> KernelSums:
        """The sums over both samples. ValueError where they do not belong together."""
        if (self.bits, self.layers, self.kernels) != (other.bits, other.layers, other.kernels):
            raise ValueError("sums of other layers or bit widths")
        return KernelSums(
            self.bits,
            self.layers,
            self.kernels,
            self.counts + other.counts,
            self.totals + other.totals,
            self.squares + other.squares,
            self.energies,
        )

    def to_bytes(self) -> bytes:
        """A safetensors file of the four arrays, with what they belong to as JSON."""
        facts = {"bits": self.bits, "layers": self.layers, "kernels": self.kernels}
        arrays = {name: np.ascontiguousarray(getattr(self, name)) for name in _ARRAYS}
        arrays["facts"] = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        found: bytes = save(arrays)
        return found

    @staticmethod
    def from_bytes(content: bytes) -> KernelSums:
        """The inverse of ``to_bytes``. ValueError for anything else."""
        try:
            arrays = load(content)
            facts = json.loads(bytes(arrays["facts"]))
            found = KernelSums(
                weight_widths(facts, "bits"),
                fields.texts(facts, "layers"),
                fields.wholes(facts, "kernels", 1),
                *(arrays[name] for name in _ARRAYS),
            )
        except (SafetensorError, KeyError, TypeError, RecursionError) as error:
            raise ValueError(f"these are not sums over kernels ({error})") from error
        sums = (found.totals, found.squares, found.energies)
        right = all(one.dtype == np.float64 and np.isfinite(one).all() for one in sums)
        if found.counts.dtype != np.int64 or found.counts.min() < 0 or not right:
            raise ValueError("these are not sums over kernels (their values are of another kind)")
        return found
