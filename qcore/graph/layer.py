"""What the rest of the program knows about a network: plain values, no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qcore import fields


@dataclass(frozen=True)
class Layer:
    """One weight tensor that can be quantized, and the graph nodes that use it.

    A *kernel* is what computes one output channel; each has its own scale. Shapes are those of one
    image, with the leading batch dimension of 1 left in where the graph has one. ``macs`` are
    multiply-accumulates for one image: a 3x3 convolution from 16 to 32 channels with an 8x8 output
    has 9 * 16 * 32 * 64 = 294,912. ``weight_std`` is the standard deviation of the weights; None
    where it was not noted, and where weights are not finite.
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
    weight_std: float | None = None

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
    are; ``notes`` are other facts that its owner should know. Shapes are without the batch, which
    is ``batch`` where the network takes one size only. ``extra_inputs`` are (name, shape) of inputs
    beside the first.
    """

    name: str
    fingerprint: str
    parameters: int
    input_shape: tuple[int, ...]
    output_shapes: tuple[tuple[int, ...], ...]
    layers: tuple[Layer, ...]
    not_quantized: Mapping[str, int]
    macs_not_quantized: int
    other_count: int
    folded_batch_norms: int
    weights_note: str | None
    notes: tuple[str, ...] = ()
    batch: int | None = None
    extra_inputs: tuple[tuple[str, tuple[int, ...]], ...] = ()

    @property
    def classes(self) -> int | None:
        """How many class scores come out; None for a network that is no classifier."""
        shape = self.output_shapes[0]
        single = len(self.output_shapes) == 1 and len(shape) == 1 and shape[0] > 1
        return shape[0] if single else None

    @property
    def weight_count(self) -> int:
        return sum(layer.weight_count for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def kernels(self) -> int:
        return sum(layer.kernels for layer in self.layers)

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
                "output_shapes": [list(shape) for shape in self.output_shapes],
                "folded_batch_norms": self.folded_batch_norms,
                "weights_note": self.weights_note,
                "notes": list(self.notes),
                "batch": self.batch,
                "extra_inputs": [[name, list(shape)] for name, shape in self.extra_inputs],
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
        """The inverse of ``to_json``; KeyError, TypeError or ValueError for a wrong field."""
        model, totals = fields.table(data, "model"), fields.table(data, "totals")
        layers = tuple(_layer_from_json(row) for row in fields.entries(data, "layers"))
        if len({layer.name for layer in layers}) < len(layers):
            raise ValueError("two layers have the same name")
        counts = fields.table(data, "not_quantized")
        return Description(
            name=fields.text(model, "name"),
            fingerprint=fields.text(model, "fingerprint"),
            parameters=fields.whole(model, "parameters"),
            input_shape=fields.wholes(model, "input_shape", 1),
            output_shapes=tuple(
                fields.sizes({"output": shape}, "output")
                for shape in fields.entries(model, "output_shapes")
            ),
            layers=layers,
            not_quantized={op: fields.whole(counts, op) for op in counts},
            macs_not_quantized=fields.whole(totals, "macs_not_quantized"),
            other_count=fields.whole(totals, "other_count"),
            folded_batch_norms=fields.whole(model, "folded_batch_norms"),
            weights_note=fields.text_or_none(model, "weights_note"),
            notes=tuple(fields.text({"note": note}, "note") for note in model["notes"]),
            batch=None if model["batch"] is None else fields.whole(model, "batch", 1),
            extra_inputs=tuple(
                (fields.text({"name": name}, "name"), fields.sizes({name: shape}, name))
                for name, shape in model["extra_inputs"]
            ),
        )


def _layer_from_json(row: Mapping[str, Any]) -> Layer:
    return Layer(
        name=fields.text(row, "name"),
        op=fields.text(row, "op"),
        weight_key=fields.text(row, "weight_key"),
        bias_key=fields.text_or_none(row, "bias_key"),
        nodes=fields.texts(row, "nodes"),
        weight_shape=fields.wholes(row, "weight_shape", 1),
        groups=fields.whole(row, "groups", 1),
        kernels=fields.whole(row, "kernels", 1),
        macs=fields.whole(row, "macs"),
        input_shape=fields.wholes(row, "input_shape", 1),
        output_shape=fields.wholes(row, "output_shape", 1),
        # A description from before it was noted has none.
        weight_std=fields.number_or_none({"weight_std": None, **row}, "weight_std"),
    )
