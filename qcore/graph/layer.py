"""What the rest of the program knows about a network: plain values, no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Layer:
    """One weight tensor that can be quantized, and the graph nodes that use it.

    A *kernel* is what computes one output channel; each has its own scale. Shapes are those of one
    image, with the leading batch dimension of 1 left in where the graph has one. ``macs`` are
    multiply-accumulates for one image: a 3x3 convolution from 16 to 32 channels with an 8x8 output
    has 9 * 16 * 32 * 64 = 294,912.
    """

    name: str
    op: str
    weight_key: str
    bias_key: str | None
    nodes: tuple[str, ...]
    weight_shape: tuple[int, ...]
    groups: int
    kernels: int
    macs: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]

    @property
    def weight_count(self) -> int:
        return math.prod(self.weight_shape)


@dataclass(frozen=True)
class Description:
    """A network as shown to a person, and all that allocation needs to know of it.

    ``parameters`` counts the network as its author wrote it, before batch norm was folded.
    ``not_quantized`` counts every other operator by name; ``macs_not_quantized`` are the
    multiply-accumulates of those that have any (matrix products of two activations).
    ``other_count`` is the number of stored values that stay 32 bit: biases and every constant that
    is no layer's weight. ``weights_note`` is None for trained weights and otherwise says what they
    are.
    """

    name: str
    fingerprint: str
    parameters: int
    input_shape: tuple[int, ...]
    outputs: int
    layers: tuple[Layer, ...]
    not_quantized: Mapping[str, int]
    macs_not_quantized: int
    other_count: int
    folded_batch_norms: int
    weights_note: str | None

    @property
    def weight_count(self) -> int:
        return sum(layer.weight_count for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    def layer(self, name: str) -> Layer:
        """The layer of that name; KeyError if there is none."""
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """The fields of ``describe --json``, and what ``from_json`` needs to restore this."""
        layers = [{**asdict(layer), "weight_count": layer.weight_count} for layer in self.layers]
        return {
            "model": {
                "name": self.name,
                "fingerprint": self.fingerprint,
                "parameters": self.parameters,
                "input_shape": list(self.input_shape),
                "outputs": self.outputs,
                "folded_batch_norms": self.folded_batch_norms,
                "weights_note": self.weights_note,
            },
            "totals": {
                "weights": self.weight_count,
                "macs": self.macs,
                "macs_not_quantized": self.macs_not_quantized,
                "other_count": self.other_count,
            },
            "not_quantized": dict(self.not_quantized),
            "layers": layers,
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Description:
        """The inverse of ``to_json``; KeyError or TypeError where a field is missing or wrong."""
        model, totals = data["model"], data["totals"]
        return Description(
            name=str(model["name"]),
            fingerprint=str(model["fingerprint"]),
            parameters=int(model["parameters"]),
            input_shape=tuple(model["input_shape"]),
            outputs=int(model["outputs"]),
            layers=tuple(_layer_from_json(row) for row in data["layers"]),
            not_quantized={str(op): int(count) for op, count in data["not_quantized"].items()},
            macs_not_quantized=int(totals["macs_not_quantized"]),
            other_count=int(totals["other_count"]),
            folded_batch_norms=int(model["folded_batch_norms"]),
            weights_note=model["weights_note"],
        )


def _layer_from_json(row: Mapping[str, Any]) -> Layer:
    fields = {name: row[name] for name in Layer.__dataclass_fields__}
    for name in ("nodes", "weight_shape", "input_shape", "output_shape"):
        fields[name] = tuple(fields[name])
    return Layer(**fields)
