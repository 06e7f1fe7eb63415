"""Bytes of a quantized network, every part named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qcore.graph.layer import Description, Layer

SCALE_BYTES = 4
"""One float32 scale per kernel; symmetric quantization has no zero points."""
FULL_PRECISION_BYTES = 4


@dataclass(frozen=True)
class SizeLedger:
    """Bytes by what they hold; the parts add up to ``total_bytes``.

    ``weight_bytes`` are packed weights of the layers, ``scale_bytes`` their scales, ``other_bytes``
    everything that stays 32 bit: biases and constants of no layer.
    """

    weight_bytes: int
    scale_bytes: int
    other_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.weight_bytes + self.scale_bytes + self.other_bytes


def layer_bytes(layer: Layer, bits: int | None) -> tuple[int, int]:
    """(weight bytes, scale bytes) of a layer; its weights are packed into whole bytes.

    None is full precision without scales. Example: 16 kernels of 9 weights at 3 bits: 54 and 64.
    """
    if bits is None:
        return layer.weight_count * FULL_PRECISION_BYTES, 0
    return -(-layer.weight_count * bits // 8), layer.kernels * SCALE_BYTES


def size_ledger(network: Description, bits: Mapping[str, int | None]) -> SizeLedger:
    """The ledger of an allocation; ``bits`` maps each layer's name. KeyError for a missing one."""
    parts = [layer_bytes(layer, bits[layer.name]) for layer in network.layers]
    return SizeLedger(
        sum(weight for weight, _ in parts),
        sum(scale for _, scale in parts),
        network.other_count * FULL_PRECISION_BYTES,
    )


def full_precision_bytes(network: Description) -> int:
    """Bytes of the folded network at 32 bit."""
    return size_ledger(network, {layer.name: None for layer in network.layers}).total_bytes


def average_bits(network: Description, bits: Mapping[str, int | None]) -> float:
    """Bits per weight of the quantizable layers, 32 for those at full precision."""
    stored = sum(
        layer.weight_count * (8 * FULL_PRECISION_BYTES if (b := bits[layer.name]) is None else b)
        for layer in network.layers
    )
    return stored / network.weight_count
