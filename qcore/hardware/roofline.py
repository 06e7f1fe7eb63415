"""Roofline: a layer takes as long as its operations or its bytes, whichever takes longer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from qcore.graph.layer import Layer
from qcore.hardware.matrix import uses_of_first_size
from qcore.hardware.model import Busy, Cost, Hardware, Roof
from qcore.hardware.pair import BitPair
from qcore.quantize.limits import MAX_BITS

WIDTHS: tuple[int | None, ...] = (None, *range(1, MAX_BITS + 1))
"""What may be asked of a roofline; None is float32."""


@dataclass(frozen=True)
class Peak:
    """Operations that a machine does at best where weights and inputs have these widths.

    A multiply-accumulate is two operations; None is float32.
    """

    weight_bits: int | None
    activation_bits: int | None
    giga_ops_per_s: float

    @property
    def pair(self) -> BitPair:
        return BitPair(self.weight_bits, self.activation_bits)


@dataclass(frozen=True)
class Roofline:
    """A machine by its peaks, one for each pair of widths that it has operations for, and by the
    bandwidth of its memory in 1e9 bytes a second.

    ``overhead_us`` is added for every use of a layer, in microseconds: the start of a kernel.
    ``source`` says where the figures come from; it may be empty.
    """

    title: str
    source: str
    peaks: tuple[Peak, ...]
    gigabytes_per_s: float
    batch: int = 1
    overhead_us: float = 0.0


def native(peaks: Sequence[Peak], pair: BitPair) -> Peak | None:
    """What a pair runs as: the highest peak of those that hold both its widths, and the narrower
    of two that are equal. None where no peak holds them.

    Example: of 4/4 and 8/8 bits, 3/8 bits run as 8/8, and float32 inputs do not run.
    """
    holding = [
        peak
        for peak in peaks
        if _bits(peak.weight_bits) >= _bits(pair.weight_bits)
        and _bits(peak.activation_bits) >= _bits(pair.activation_bits)
    ]
    return max(holding, key=lambda peak: (peak.giga_ops_per_s, -_both_bits(peak)), default=None)


def roofline_hardware(name: str, roofline: Roofline) -> Hardware:
    """The machine; ``name`` is what it is called by, the roofline's title what is shown.

    Example: ``roofline_hardware("roofline:desktop-cpu", PRESETS["desktop-cpu"])``.
    """
    natives = {
        pair: peak
        for pair in (BitPair(w, a) for w in WIDTHS for a in WIDTHS)
        if (peak := native(roofline.peaks, pair)) is not None
    }
    weights = {pair.weight_bits for pair in natives}
    inputs = {pair.activation_bits for pair in natives}

    def runs_as(pair: BitPair) -> BitPair | None:
        return natives[pair].pair if pair in natives else None

    def roof(pair: BitPair) -> Roof:
        peak = natives[pair].giga_ops_per_s
        return Roof(peak * 1e9, roofline.gigabytes_per_s * 1e9)

    return Hardware(
        name=name,
        title=roofline.title,
        provenance=_provenance(roofline),
        leaves_out=_LEAVES_OUT,
        weight_bits=tuple(bits for bits in WIDTHS if bits in weights),
        activation_bits=tuple(bits for bits in WIDTHS if bits in inputs),
        batch=roofline.batch,
        cost=partial(layer_cost, roofline, natives),
        runs_as=runs_as,
        roof=roof,
        formula=_FORMULA,
        lower_bound=True,
    )


def layer_cost(
    roofline: Roofline,
    natives: Mapping[BitPair, Peak],
    layer: Layer,
    pairs: Sequence[BitPair],
    batch: int,
) -> Cost:
    """(options,) of a layer for a batch; ``natives`` says what each pair runs as.

    Latency is the larger of operations / peak and bytes / bandwidth (Williams, Waterman and
    Patterson 2009, "Roofline", Communications of the ACM 52(4)), and the overhead. Operations are
    two for a multiply-accumulate. Weights are read once a batch; inputs are read and outputs
    written once for each use and image; all at the widths of the native pair. The overhead counts
    as computing. Example: a linear layer of 4 x 8 float32 weights has 64 operations and 176 bytes:
    at 1e9 operations and 1e9 bytes a second it takes 176 ns.
    """
    chosen = [natives[pair] for pair in pairs]
    giga_ops = np.array([peak.giga_ops_per_s for peak in chosen], dtype=np.float64)
    weight_bits = np.array([_bits(peak.weight_bits) for peak in chosen], dtype=np.float64)
    value_bits = np.array([_bits(peak.activation_bits) for peak in chosen], dtype=np.float64)
    uses = len(layer.nodes)
    values = math.prod(layer.input_shape) + math.prod(layer.output_shape)
    weight_bytes = layer.weight_count * weight_bits / 8
    value_bytes = values * uses_of_first_size(layer) * batch * value_bits / 8
    per_ms = roofline.gigabytes_per_s * 1e6
    weights_ms, values_ms = weight_bytes / per_ms, value_bytes / per_ms
    compute_ms = 2 * layer.macs * batch / (giga_ops * 1e6)
    overhead_ms = uses * roofline.overhead_us / 1e3
    latency = np.maximum(compute_ms, weights_ms + values_ms) + overhead_ms
    return Cost(
        latency,
        busy=Busy(compute_ms + overhead_ms, weights_ms, values_ms),
        moved_bytes=weight_bytes + value_bytes,
    )


def _bits(width: int | None) -> int:
    return 32 if width is None else width


def _both_bits(peak: Peak) -> int:
    return _bits(peak.weight_bits) + _bits(peak.activation_bits)


def _provenance(roofline: Roofline) -> str:
    source = roofline.source.strip() or "The figures came without a source"
    return (
        "Roofline (Williams et al. 2009): a layer takes the longer of its operations at the peak "
        "rate of the widths that it runs as, and its bytes at the memory's bandwidth. Widths "
        "without operations of their own run as the fastest that hold them. No measurement stands "
        "behind it: real kernels stay below both limits, and caches save some of the bytes. "
        f"{source.rstrip('.')}."
    )


_FORMULA = (
    "computing = 2 x multiply-accumulates / peak of the widths that the layer runs as",
    "memory = (weights + inputs + outputs) x bytes of these widths / bandwidth; weights once a "
    "batch",
    "a layer = the longer of the two, and the overhead where one is given",
)
_LEAVES_OUT = (
    "how far real kernels stay below the peak",
    "caches: all weights, inputs and outputs of a layer pass the memory, and nothing does twice",
    "the start of each kernel, unless an overhead is given",
    "biases, activation functions, pooling and additions, as if fused into the layers",
    "changing bits between layers: inputs and outputs move at the layer's own width",
    "products of two activations, as in attention",
    "energy",
)
