"""How clipping thresholds are chosen: for all layers, and for single ones. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from qcore import fields
from qcore.errors import BadInput

Target = Literal["weight", "activation"]
Method = Literal["max", "percentile", "entropy", "mse", "aciq-gaussian", "aciq-laplace"]

METHODS: dict[Method, str] = {
    "max": "largest magnitude: nothing is clipped",
    "percentile": "magnitude that a given percentage of all values does not exceed",
    "entropy": "least KL divergence between the histogram and its quantized copy (TensorRT)",
    "mse": "least squared rounding and clipping error",
    "aciq-gaussian": "least squared error if the values were Gaussian (ACIQ)",
    "aciq-laplace": "least squared error if the values were Laplacian (ACIQ)",
}
"""Method -> what threshold it chooses."""


@dataclass(frozen=True)
class Override:
    """What a person chose for one layer: a method, or a threshold by hand."""

    layer: str
    target: Target
    choice: Method | float


@dataclass(frozen=True)
class Clipping:
    """One method for all weights, one for all layer inputs, and the exceptions.

    ``percentile`` is in percent. Of weights, ``max`` and ``mse`` find each kernel its own
    threshold; every other method, and a threshold by hand, is the layer's, and a kernel is clipped
    at the smaller of that and its own largest magnitude. Inputs have one threshold a layer.
    """

    weight: Method = "mse"
    activation: Method = "mse"
    percentile: float = 99.99
    overrides: tuple[Override, ...] = ()

    def choice(self, layer: str, target: Target) -> Method | float:
        """The method or threshold of one layer."""
        for override in self.overrides:
            if (override.layer, override.target) == (layer, target):
                return override.choice
        return self.weight if target == "weight" else self.activation

    def with_choice(self, layer: str, target: Target, choice: Method | float | None) -> Clipping:
        """The same with one layer's choice set, or (None) given back to the method of all."""
        kept = tuple(o for o in self.overrides if (o.layer, o.target) != (layer, target))
        added = () if choice is None else (Override(layer, target, choice),)
        ordered = sorted((*kept, *added), key=lambda o: (o.layer, o.target))
        return replace(self, overrides=tuple(ordered))

    def of(self, target: Target) -> Clipping:
        """What concerns one target alone; the rest as if nobody had chosen."""
        other = "activation" if target == "weight" else "weight"
        own = tuple(o for o in self.overrides if o.target == target)
        percentile = self.percentile if self._uses_percentile(target) else Clipping.percentile
        default: Any = {other: getattr(Clipping, other)}
        return replace(self, **default, percentile=percentile, overrides=own)

    def joined(self, other: Clipping) -> Clipping:
        """This one's weights and the other's inputs; the other's percentile where both use one."""
        uses = other._uses_percentile("activation")
        own = tuple(o for o in self.overrides if o.target == "weight")
        others = tuple(o for o in other.overrides if o.target == "activation")
        ordered = tuple(sorted((*own, *others), key=lambda o: (o.layer, o.target)))
        percentile = other.percentile if uses else self.percentile
        return Clipping(self.weight, other.activation, percentile, ordered)

    def _uses_percentile(self, target: Target) -> bool:
        chosen = [o.choice for o in self.overrides if o.target == target]
        return "percentile" in (self.weight if target == "weight" else self.activation, *chosen)

    def text(self, target: Target) -> str:
        """In words: ``mse``, or ``percentile 99.9, 2 layers otherwise``."""
        method = self.weight if target == "weight" else self.activation
        words = f"{method} {self.percentile:g}" if method == "percentile" else str(method)
        own = sum(o.target == target for o in self.overrides)
        return words + (f", {own} layer{'s' * (own > 1)} otherwise" if own else "")

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "overrides": [asdict(o) for o in self.overrides]}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Clipping:
        """The inverse of ``to_json``. Raises BadInput for what is no choice of thresholds."""
        try:
            return checked(
                Clipping(
                    _method(data["weight"]),
                    _method(data["activation"]),
                    fields.number(data, "percentile"),
                    tuple(_override(row) for row in data["overrides"]),
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"this is no choice of clipping thresholds ({error})") from error


def quantizer_text(clipping: Clipping, target: Target) -> str:
    """How that target is quantized, in the words that pages, files and README use."""
    if target == "weight":
        return f"symmetric, one scale per kernel, clipping: {clipping.text(target)}"
    return f"affine, one scale per layer input, clipping: {clipping.text(target)}"


def checked(clipping: Clipping) -> Clipping:
    """The same. BadInput for a percentile that is none."""
    if not 0 < clipping.percentile <= 100:
        raise BadInput(f"a percentile is above 0 and at most 100, got {clipping.percentile:g}")
    return clipping


def _method(value: Any) -> Method:
    if value not in METHODS:
        raise ValueError(f"{value!r} is not one of {', '.join(METHODS)}")
    method: Method = value
    return method


def _override(row: Mapping[str, Any]) -> Override:
    target: Any = fields.text(row, "target")
    if target not in get_args(Target):
        raise ValueError(f"{target!r} is not one of {', '.join(get_args(Target))}")
    choice = row["choice"]
    if isinstance(choice, str):
        return Override(fields.text(row, "layer"), target, _method(choice))
    value = fields.number(row, "choice")
    if value <= 0:
        raise ValueError(f"the threshold {value:g} is not above zero")
    return Override(fields.text(row, "layer"), target, value)
