"""The projections of a network's output errors, and what they say of configurations.

Free of torch.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from qcore import fields
from qcore.sensitivity.projection.bootstrap import Doubles, bootstrap_interval
from qcore.sensitivity.projection.packed import Floats, pack, unpack_or_none
from qcore.sensitivity.projection.quadratic import Choices, QuadraticLoss

Part = Literal["weight", "activation"]
Widths = Sequence[int | None]

_ARRAYS = ("weights", "inputs", "first_weights", "first_inputs")


@dataclass(frozen=True)
class PredictedLoss:
    """Mean over images and its 95 % interval, None below two images."""

    mean: float
    ci_low: float | None
    ci_high: float | None


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
        parts: list[Part] = ["weight", "activation"] if target == "both" else [target]
        projected: Doubles = sum((self._of(part)[0] for part in parts), np.zeros(()))
        first: Doubles = sum((self._of(part)[1] for part in parts), np.zeros(()))
        found: Doubles = first + 0.5 * np.square(projected).mean(0)
        return found

    def predicted(
        self, weight_bits: Widths, activation_bits: Widths | None = None
    ) -> PredictedLoss:
        """The loss of a configuration: a width for each layer, None for full precision.

        ValueError for a width that is not among ``bits``, or a target that has not been measured.
        """
        projected, first = self._summed(weight_bits, activation_bits)
        return _described(first + 0.5 * np.square(projected).mean(0))

    def additive(self, weight_bits: Widths, activation_bits: Widths | None = None) -> PredictedLoss:
        """The same without interactions: the sum of what each part adds alone."""
        total: Doubles = np.zeros(self.samples)
        for part, widths in _asked(weight_bits, activation_bits):
            projected, first = self._of(part)
            for layer, option in self._options(widths):
                cell = projected[:, :, layer, option]
                total = total + first[:, layer, option] + 0.5 * np.square(cell).mean(0)
        return _described(total)

    def predicted_loss(self, weights: Choices, inputs: Choices | None = None) -> float:
        """``predicted`` without its interval, for option numbers (layers,): the place of a width
        in ``bits``, or -1 for full precision."""
        return self.form(inputs is not None).loss(_both(weights, inputs))

    def predicted_losses(self, weights: Choices, inputs: Choices | None = None) -> Doubles:
        """The same for (configurations, layers)."""
        return self.form(inputs is not None).losses(_both(weights, inputs))

    def form(self, with_inputs: bool = False) -> QuadraticLoss:
        """The predicted loss as a function of option numbers; its parts are the layers' weights
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
                bits=fields.wholes(data, "bits", 2),
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

    def _of(self, part: Part) -> tuple[npt.NDArray[np.float64], Doubles]:
        """Projections and first-order terms of one part."""
        weight = part == "weight"
        projected = self.weights if weight else self.inputs
        first = self.first_weights if weight else self.first_inputs
        if projected is None:
            raise ValueError(f"nothing was measured of the target {part!r}")
        if first is None:
            return projected.astype(np.float64), np.zeros(projected.shape[1:])
        return projected.astype(np.float64), first.astype(np.float64)

    def _options(self, widths: Widths) -> list[tuple[int, int]]:
        """(layer, option) of every layer that is not at full precision."""
        if len(widths) != len(self.layers):
            raise ValueError(f"{len(widths)} widths for {len(self.layers)} layers")
        return [(la, self.bits.index(bits)) for la, bits in enumerate(widths) if bits is not None]

    def _summed(
        self, weight_bits: Widths, activation_bits: Widths | None
    ) -> tuple[Doubles, Doubles]:
        """(probes, samples) and (samples,): sums over the parts of a configuration."""
        projected: Doubles = np.zeros((self.probes, self.samples))
        first: Doubles = np.zeros(self.samples)
        for part, widths in _asked(weight_bits, activation_bits):
            cells, terms = self._of(part)
            for layer, option in self._options(widths):
                projected = projected + cells[:, :, layer, option]
                first = first + terms[:, layer, option]
        return projected, first

    @functools.cached_property
    def _weight_form(self) -> QuadraticLoss:
        return self._form_of(["weight"])

    @functools.cached_property
    def _both_form(self) -> QuadraticLoss:
        return self._form_of(["weight", "activation"])

    def _form_of(self, parts: list[Part]) -> QuadraticLoss:
        found = [self._of(part) for part in parts]
        projected = np.concatenate([cells for cells, _ in found], 2)
        first = np.concatenate([terms.mean(0) for _, terms in found], 0)
        return QuadraticLoss(projected.reshape(-1, *projected.shape[2:]), first)


def _asked(weight_bits: Widths, activation_bits: Widths | None) -> list[tuple[Part, Widths]]:
    weights: tuple[Part, Widths] = ("weight", weight_bits)
    return [weights] if activation_bits is None else [weights, ("activation", activation_bits)]


def _both(weights: Choices, inputs: Choices | None) -> Choices:
    return weights if inputs is None else np.concatenate([weights, inputs], -1)


def _described(per_sample: Doubles) -> PredictedLoss:
    mean = float(per_sample.mean())
    if len(per_sample) < 2:
        return PredictedLoss(mean, None, None)
    low, high = bootstrap_interval(per_sample[:, None])
    return PredictedLoss(mean, float(low[0]), float(high[0]))
