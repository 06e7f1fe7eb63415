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


DEFAULT_PERCENTILE = 99.99
SMALLEST_THRESHOLD, LARGEST_THRESHOLD = 1e-30, 1e30  # steps of either are normal in float32


@dataclass(frozen=True)
class Clipping:
    """One method for all weights, one for all layer inputs, and the exceptions.

    Percentiles are in percent. Of weights, ``max`` and ``mse`` find each kernel its own threshold;
    every other method, and a threshold by hand, is the layer's, and a kernel is clipped at the
    smaller of that and its own largest magnitude. Inputs have one threshold a layer.
    ``bias_correction`` takes off each bias by how much rounding the weights moves the mean output
    of its kernel on calibration data. ``per_kernel`` False is one scale for all kernels of a layer.
    """

    weight: Method = "mse"
    activation: Method = "mse"
    weight_percentile: float = DEFAULT_PERCENTILE
    activation_percentile: float = DEFAULT_PERCENTILE
    overrides: tuple[Override, ...] = ()
    bias_correction: bool = True
    per_kernel: bool = True

    def method(self, target: Target) -> Method:
        """That of all layers."""
        return self.weight if target == "weight" else self.activation

    def percentile(self, target: Target) -> float:
        """What the method ``percentile`` takes, in percent."""
        return self.weight_percentile if target == "weight" else self.activation_percentile

    def overrides_of(self, target: Target) -> tuple[Override, ...]:
        """The exceptions of one target."""
        return tuple(o for o in self.overrides if o.target == target)

    def choice(self, layer: str, target: Target) -> Method | float:
        """The method or threshold of one layer."""
        for override in self.overrides_of(target):
            if override.layer == layer:
                return override.choice
        return self.method(target)

    def with_method(self, target: Target, method: Method, percentile: float) -> Clipping:
        """The same with another method for all layers; exceptions stay."""
        if target == "weight":
            return replace(self, weight=method, weight_percentile=percentile)
        return replace(self, activation=method, activation_percentile=percentile)

    def with_choice(self, layer: str, target: Target, choice: Method | float | None) -> Clipping:
        """The same with one layer's choice set, or (None) given back to the method of all.

        Example: ``Clipping().with_choice("conv1", "weight", 0.5)`` clips conv1 at 0.5.
        """
        kept = tuple(o for o in self.overrides if (o.layer, o.target) != (layer, target))
        added = () if choice is None else (Override(layer, target, choice),)
        return replace(self, overrides=_in_order((*kept, *added)))

    def of(self, target: Target) -> Clipping:
        """What concerns one target alone; the rest as if nobody had chosen."""
        return self.joined(Clipping()) if target == "weight" else Clipping().joined(self)

    def joined(self, other: Clipping) -> Clipping:
        """This one's weights and the other's inputs.

        A percentile that nothing uses is the default one, so that equal choices are equal.
        """
        return Clipping(
            self.weight,
            other.activation,
            self._used_percentile("weight"),
            other._used_percentile("activation"),
            _in_order((*self.overrides_of("weight"), *other.overrides_of("activation"))),
            self.bias_correction,
            self.per_kernel,
        )

    def _used_percentile(self, target: Target) -> float:
        chosen = (self.method(target), *(o.choice for o in self.overrides_of(target)))
        return self.percentile(target) if "percentile" in chosen else DEFAULT_PERCENTILE

    def text(self, target: Target) -> str:
        """In words: ``mse``, or ``percentile 99.9, 2 layers otherwise``."""
        method, own = self.method(target), len(self.overrides_of(target))
        words = f"{method} {self.percentile(target):g}" if method == "percentile" else str(method)
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
                    fields.number(data, "weight_percentile"),
                    fields.number(data, "activation_percentile"),
                    _in_order(tuple(_override(row) for row in data["overrides"])),
                    # Files from before these could be chosen have neither.
                    bool(data.get("bias_correction", False)),
                    bool(data.get("per_kernel", True)),
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"this is no choice of clipping thresholds ({error})") from error


def quantizer_text(clipping: Clipping, target: Target) -> str:
    """How that target is quantized, in the words that pages, files and README use."""
    if target == "weight":
        scales = "one scale per kernel" if clipping.per_kernel else "one scale per layer"
        bias = "bias-corrected" if clipping.bias_correction else "no bias correction"
        return f"symmetric, {scales}, clipping: {clipping.text(target)}, {bias}"
    return f"affine, one scale per layer input, clipping: {clipping.text(target)}"


def checked(clipping: Clipping) -> Clipping:
    """The same. BadInput for a percentile that is none, and for a layer named twice."""
    for percentile in (clipping.weight_percentile, clipping.activation_percentile):
        if not 0 < percentile <= 100:
            raise BadInput(f"a percentile is above 0 and at most 100, got {percentile:g}")
    named = [(o.layer, o.target) for o in clipping.overrides]
    if len(set(named)) < len(named):
        twice = next(one for one in named if named.count(one) > 1)
        raise BadInput(f"layer {twice[0]!r} has two choices of {twice[1]} thresholds; keep one")
    return clipping


def _in_order(overrides: tuple[Override, ...]) -> tuple[Override, ...]:
    return tuple(sorted(overrides, key=lambda o: (o.layer, o.target)))


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
    if not SMALLEST_THRESHOLD <= value <= LARGEST_THRESHOLD:
        raise ValueError(f"the threshold {value:g} is not above zero, or beyond any network's")
    return Override(fields.text(row, "layer"), target, value)
