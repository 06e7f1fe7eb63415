"""What is known of a machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product, starmap

import numpy as np
import numpy.typing as npt

from qcore.graph.layer import Description, Layer
from qcore.hardware.pair import BitPair

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

MOST_IMAGES = 65_536
"""In a batch: cycles of more could pass 64 bits."""


@dataclass(frozen=True, eq=False)
class Busy:
    """How long each part of a machine works, in milliseconds; they may work at the same time.

    Arrays of one shape: ``compute_ms`` multiplying, ``weights_ms`` and ``activations_ms`` moving
    weights, and inputs and outputs.
    """

    compute_ms: FloatArray
    weights_ms: FloatArray
    activations_ms: FloatArray


@dataclass(frozen=True, eq=False)
class Cost:
    """What a batch takes, as arrays of one shape: (options,) of a layer, (layers, options) of a
    network.

    NaN where the machine does not run the layer at these bits; None where the model has no such
    figure at all. ``moved_bytes`` is what passes between chip and memory.
    """

    latency_ms: FloatArray | None = None
    energy_mj: FloatArray | None = None
    busy: Busy | None = None
    moved_bytes: FloatArray | None = None


CostFunction = Callable[[Layer, Sequence[BitPair], int], Cost]
"""(layer, pairs that the machine runs and that are not pruned, images in a batch) -> (options,)."""


@dataclass(frozen=True)
class Roof:
    """What a machine reaches at best: operations (a multiply-accumulate is two) and bytes from
    memory, each a second."""

    peak_ops_per_s: float
    bytes_per_s: float


def count_all(network: Description) -> tuple[str, ...]:
    """No layer is left out."""
    return ()


def as_asked(pair: BitPair) -> BitPair:
    """Every pair runs at its own bits."""
    return pair


@dataclass(frozen=True, eq=False)
class Hardware:
    """A machine: what a layer takes on it, and how this is known.

    ``weight_bits`` and ``activation_bits`` are the widths it takes, None among them is full
    precision; ``runs_as`` gives the pair of widths that a pair is run at (3/8 bits may run as 4/8),
    None where it does not run. ``batch`` is how many images it works on at once; where
    ``fixed_batch``, at no other number. ``formula`` says in lines how a layer's figures come about
    (none where they are measured or given), ``provenance`` where they come from, ``leaves_out``
    what they do not hold; ``lower_bound``: nothing real is faster than the latency. ``excluded``
    names the layers that its published totals do not count. ``roof`` is what it reaches at best at
    a pair, None where that is not known. ``revision`` changes where the figures of the same name
    do.
    """

    name: str
    title: str
    provenance: str
    leaves_out: tuple[str, ...]
    weight_bits: tuple[int | None, ...]
    activation_bits: tuple[int | None, ...]
    batch: int
    cost: CostFunction
    has_latency: bool = True
    has_energy: bool = False
    fixed_batch: bool = False
    runs_as: Callable[[BitPair], BitPair | None] = as_asked
    excluded: Callable[[Description], tuple[str, ...]] = count_all
    roof: Callable[[BitPair], Roof] | None = None
    formula: tuple[str, ...] = ()
    lower_bound: bool = False
    revision: str = ""

    def takes(self, pair: BitPair) -> bool:
        """True of a pair that some layer may run at. Pruned layers need no machine."""
        known = (
            pair.weight_bits in self.weight_bits and pair.activation_bits in self.activation_bits
        )
        return pair.pruned or (known and self.runs_as(pair) is not None)

    @property
    def pairs(self) -> tuple[BitPair, ...]:
        """Every pair that some layer may run at. Example: full/full and 8/8."""
        every = product(self.weight_bits, self.activation_bits)
        return tuple(pair for pair in starmap(BitPair, every) if self.takes(pair))
