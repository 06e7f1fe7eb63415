"""The projections of a network's output errors, and what they say of configurations.

Free of torch.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from qcore import fields
from qcore.sensitivity.projection.bootstrap import Doubles
from qcore.sensitivity.projection.packed import Floats, pack, unpack_or_none
from qcore.sensitivity.projection.predicted import (
    Part,
    PredictedLoss,
    Widths,
    described,
    parts_asked,
)
from qcore.sensitivity.projection.quadratic import QuadraticLoss
from qcore.sensitivity.widths import weight_widths

_PARTS: tuple[Part, Part] = ("weight", "activation")
_ARRAYS = ("weights", "inputs", "first_weights", "first_inputs")


@dataclass(frozen=True, eq=False)
class Projections:
    """What the error of each layer at each bit width does to the output, along random directions.

    With u a draw of E[u u'] = F, the curvature of the loss at the output, a projection is P = u'J e
    for the errors e that rounding makes in a layer's weights (``weights``) or in what enters it
    (``inputs``): (probes, samples, layers, bits), None where not measured. Then 1/2 mean P^2 is the
    loss to second order, and P adds up over layers, so any configuration's loss is known with its
    interactions. ``first_...`` (samples, layers, bits) is the term of first order, which only a
    loss against labels has. Hutchinson 1989 for the estimate; Martens 2020 (arXiv 1412.1193),
    section 9, for F.
    """

    bits: tuple[int, ...]
    layers: tuple[str, ...]
    weights: Floats | None = None
    inputs: Floats | None = None
    first_weights: Floats | None = None
    first_inputs: Floats | None = None

    def __post_init__(self) -> None:
        cells = (len(self.layers), len(self.bits))
        known = [array for array in (self.weights, self.inputs) if array is not None]
        if not known:
            raise ValueError("projections of neither weights nor inputs")
        lead = known[0].shape[:2]
        if any(array.shape != (*lead, *cells) for array in known):
            raise ValueError("the projections are not (probes, samples, layers, bits)")
        for first in (self.first_weights, self.first_inputs):
            if first is not None and first.shape != (lead[1], *cells):
                raise ValueError("the first-order terms are not (samples, layers, bits)")

    @property
    def samples(self) -> int:
        return int(self._any.shape[1])

    @property
    def probes(self) -> int:
        return int(self._any.shape[0])

    def per_sample(self, target: Literal["weight", "activation", "both"]) -> Doubles:
        """(samples, layers, bits): the loss that each cell alone adds to each image.

        ``both`` rounds a layer's weights and its input to the same width at once. Raises ValueError
        where the target has not been measured. Example: two probes of P = 1 and 3 give 2.5.
        """
        each: list[tuple[int | None, int | None]] = [
            (None if target == "activation" else bits, None if target == "weight" else bits)
            for bits in self.bits
        ]
        return self.per_sample_at(each)

    def per_sample_at(self, widths: Sequence[tuple[int | None, int | None]]) -> Doubles:
        """(samples, layers, widths): the same for pairs of a layer's weight bits and input bits,
        None for full precision."""
        found = []
        for pair in widths:
            known = zip(_PARTS, pair, strict=True)
            asked = [(part, bits) for part, bits in known if bits is not None]
            cells = [self._cells(part, bits, slice(None)) for part, bits in asked]
            projected: Doubles = sum((cell for cell, _ in cells), np.zeros(()))
            first: Doubles = sum((term for _, term in cells), np.zeros(()))
            found.append(first + 0.5 * np.square(projected).mean(0))
        return np.stack(found, -1)

    def predicted(
        self, weight_bits: Widths, activation_bits: Widths | None = None
    ) -> PredictedLoss:
        """The loss of a configuration: a width for each layer, None for full precision.

        ValueError for a width that is not among ``bits``, or a target that has not been measured.
        """
        projected, first = self._chosen(weight_bits, activation_bits)
        return described(first.sum(1) + 0.5 * np.square(projected.sum(2)).mean(0))

    def additive(self, weight_bits: Widths, activation_bits: Widths | None = None) -> PredictedLoss:
        """The same without interactions: the sum of what each part adds alone."""
        projected, first = self._chosen(weight_bits, activation_bits)
        return described(first.sum(1) + 0.5 * np.square(projected).sum(2).mean(0))

    def form(self, with_inputs: bool = False) -> QuadraticLoss:
        """``predicted`` without its interval, in microseconds; its parts are the layers' weights
        and, with inputs, then the layers' inputs."""
        return self._both_form if with_inputs else self._weight_form

    def joined(self, other: Projections) -> Projections:
        """These samples and then those of ``other``. ValueError where they do not belong
        together."""
        if (self.bits, self.layers) != (other.bits, other.layers):
            raise ValueError("projections of other layers or bit widths")
        mine = {name: getattr(self, name) for name in _ARRAYS}
        theirs = {name: getattr(other, name) for name in _ARRAYS}
        if self.probes != other.probes or any(
            (mine[name] is None) != (theirs[name] is None) for name in _ARRAYS
        ):
            raise ValueError("projections of other targets or probes")
        arrays = {
            name: None if mine[name] is None else np.concatenate([mine[name], theirs[name]], -3)
            for name in _ARRAYS
        }
        return Projections(self.bits, self.layers, **arrays)

    def to_json(self) -> dict[str, Any]:
        """What ``from_json`` needs to restore this."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        return {
            "bits": list(self.bits),
            "layers": list(self.layers),
            **{name: None if array is None else pack(array) for name, array in arrays.items()},
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Projections:
        """The inverse of ``to_json``. ValueError where a field is missing or wrong."""
        try:
            return Projections(
                bits=weight_widths(data, "bits"),
                layers=fields.texts(data, "layers"),
                **{name: unpack_or_none(data, name) for name in _ARRAYS},
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"these are not projections ({error})") from error

    @property
    def _any(self) -> Floats:
        found = self.inputs if self.weights is None else self.weights
        assert found is not None  # checked when made
        return found

    def _cells(self, part: Part, bits: int, layer: int | slice) -> tuple[Doubles, Doubles]:
        """(probes, samples[, layers]) and (samples[, layers]) at one width."""
        weight = part == "weight"
        projected = self.weights if weight else self.inputs
        first = self.first_weights if weight else self.first_inputs
        if projected is None:
            raise ValueError(f"nothing was measured of the target {part!r}")
        option = self.bits.index(bits)
        cells = projected[:, :, layer, option].astype(np.float64)
        terms = np.zeros(cells.shape[1:]) if first is None else first[:, layer, option]
        return cells, terms.astype(np.float64)

    def _chosen(
        self, weight_bits: Widths, activation_bits: Widths | None
    ) -> tuple[Doubles, Doubles]:
        """(probes, samples, chosen) and (samples, chosen) of all that is rounded."""
        projected, first = [np.zeros((self.probes, self.samples))], [np.zeros(self.samples)]
        for part, widths in parts_asked(weight_bits, activation_bits):
            if len(widths) != len(self.layers):
                raise ValueError(f"{len(widths)} widths for {len(self.layers)} layers")
            for layer, bits in enumerate(widths):
                if bits is not None:
                    cells, terms = self._cells(part, bits, layer)
                    projected.append(cells)
                    first.append(terms)
        return np.stack(projected, 2), np.stack(first, 1)

    @functools.cached_property
    def _weight_form(self) -> QuadraticLoss:
        return self._form_of(_PARTS[:1])

    @functools.cached_property
    def _both_form(self) -> QuadraticLoss:
        return self._form_of(_PARTS)

    def _form_of(self, parts: Sequence[Part]) -> QuadraticLoss:
        every = slice(None)
        found = [[self._cells(part, bits, every) for bits in self.bits] for part in parts]
        projected = np.concatenate([np.stack([c for c, _ in each], -1) for each in found], 2)
        first = np.concatenate([np.stack([t for _, t in each], -1) for each in found], 1)
        return QuadraticLoss(projected.reshape(-1, *projected.shape[2:]), first.mean(0))
