"""Bytes of a quantized network, every part named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qcore.graph.layer import Description, Layer
from qcore.quantize.limits import PRUNED, WeightBits

SCALE_BYTES = 4
"""One float32 scale per kernel; symmetric quantization has no zero points."""
FULL_PRECISION_BYTES = 4
WIDTH_BITS = 4
"""What tells one of the 16 widths of a kernel: pruned, or 2 to 16 bits."""

Bits = Mapping[str, WeightBits | None]
"""Layer name -> bits of its weights; None is full precision."""


@dataclass(frozen=True)
class SizeLedger:
    """Bytes by what they hold; the parts add up to ``total_bytes``.

    ``weight_bytes`` are packed weights of the layers, ``scale_bytes`` their scales, ``width_bytes``
    the widths of the kernels of layers that have one for each. ``correction_bytes`` are the biases
    that bias correction gives to layers without one. ``other_bytes`` are everything that stays 32
    bit: biases and constants of no layer.
    """

    weight_bytes: int
    scale_bytes: int
    other_bytes: int
    width_bytes: int = 0
    correction_bytes: int = 0

    @property
    def layer_bytes(self) -> int:
        """What the layers' weights take: packed, with their scales and widths."""
        return self.weight_bytes + self.scale_bytes + self.width_bytes

    @property
    def total_bytes(self) -> int:
        return self.layer_bytes + self.correction_bytes + self.other_bytes


def layer_bytes(layer: Layer, bits: WeightBits | None) -> tuple[int, int, int]:
    """(weight bytes, scale bytes, width bytes) of a layer, each in whole bytes.

    Weights are packed kernel after kernel. A pruned kernel has neither weights nor a scale. Only a
    layer with bits for each kernel stores them. None is full precision without scales. Example: 16
    kernels of 9 weights at 3 bits: 54, 64 and 0; at 3 bits but for the last, which is pruned:
    51 (50.6), 60 and 8. Raises ValueError for another number of kernels.
    """
    if bits is None:
        return layer.weight_count * FULL_PRECISION_BYTES, 0, 0
    if isinstance(bits, int):
        scales = 0 if bits == PRUNED else layer.kernels
        return _whole_bytes(layer.weight_count * bits), scales * SCALE_BYTES, 0
    scales = sum(width != PRUNED for width in bits)
    widths = _whole_bytes(WIDTH_BITS * layer.kernels)
    return _whole_bytes(_stored_bits(layer, bits)), scales * SCALE_BYTES, widths


def size_ledger(network: Description, bits: Bits, corrected: bool = False) -> SizeLedger:
    """The ledger of an allocation; ``bits`` maps each layer's name. KeyError for a missing one.

    ``corrected``: biases are corrected, so that every quantized layer has one. Example: 5 kernels
    of 4 weights without a bias, at 3 bits: 8 + 20 bytes, and 20 more for the biases it is given.
    """
    parts = [layer_bytes(layer, bits[layer.name]) for layer in network.layers]
    given = (la.kernels for la in network.layers if la.bias_key is None and _quantized(la, bits))
    return SizeLedger(
        sum(weight for weight, _, _ in parts),
        sum(scale for _, scale, _ in parts),
        network.other_count * FULL_PRECISION_BYTES,
        sum(width for _, _, width in parts),
        sum(given) * FULL_PRECISION_BYTES if corrected else 0,
    )


def full_precision_bytes(network: Description) -> int:
    """Bytes of the folded network at 32 bit."""
    return size_ledger(network, {layer.name: None for layer in network.layers}).total_bytes


def network_ratio(network: Description, bits: Bits, corrected: bool = False) -> float:
    """Bytes of the whole network, relative to the whole network at 32 bit."""
    return size_ledger(network, bits, corrected).total_bytes / full_precision_bytes(network)


def layers_ratio(network: Description, bits: Bits) -> float | None:
    """Bytes of the quantized layers' weights, scales and widths, relative to these weights at 32
    bit; None where no layer is quantized.

    Layers at full precision, biases and other constants count on neither side. Example: 20 weights
    in 5 kernels at 3 bits: (8 + 20) / 80 = 0.35.
    """
    chosen = [layer for layer in network.layers if _quantized(layer, bits)]
    stored = sum(sum(layer_bytes(layer, bits[layer.name])) for layer in chosen)
    full = FULL_PRECISION_BYTES * sum(layer.weight_count for layer in chosen)
    return stored / full if full else None


def average_bits(network: Description, bits: Bits) -> float:
    """Bits per weight of the quantizable layers, 32 for those at full precision, 0 for pruned
    kernels; scales and widths do not count."""
    stored = sum(_stored_bits(layer, bits[layer.name]) for layer in network.layers)
    return stored / network.weight_count


def _quantized(layer: Layer, bits: Bits) -> bool:
    return bits[layer.name] is not None


def _stored_bits(layer: Layer, bits: WeightBits | None) -> int:
    """Of a layer's weights, before they are packed into bytes."""
    if bits is None:
        return layer.weight_count * 8 * FULL_PRECISION_BYTES
    if isinstance(bits, int):
        return layer.weight_count * bits
    if len(bits) != layer.kernels:
        raise ValueError(f"{len(bits)} widths for the {layer.kernels} kernels of {layer.name}")
    return sum(bits) * (layer.weight_count // layer.kernels)


def _whole_bytes(bits: int) -> int:
    return -(-bits // 8)
