"""BISMO: a bit-serial matrix multiplier on an FPGA, as HAQ uses it in the cloud and at the edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from qcore.graph.layer import Description, Layer
from qcore.hardware.matrix import layer_matrix
from qcore.hardware.model import Busy, Cost, Hardware, Roof
from qcore.hardware.pair import BitPair
from qcore.hardware.tile_pipeline import BitSerialArray, ProductCycles, product_cycles

BITS = tuple(range(1, 17))


@dataclass(frozen=True)
class Bismo:
    """An array at ``megahertz``; of a depthwise layer it multiplies ``depthwise_channels`` at once,
    as one block-diagonal matrix.
    """

    array: BitSerialArray
    megahertz: float
    depthwise_channels: int


CLOUD = Bismo(BitSerialArray(16, 256, 256, 1024), megahertz=200.0, depthwise_channels=16)
EDGE = Bismo(BitSerialArray(8, 256, 64, 1024), megahertz=200.0, depthwise_channels=1)


def layer_cycles(
    machine: Bismo, layer: Layer, pairs: Sequence[BitPair], batch: int
) -> ProductCycles:
    """(options,) clock cycles of a layer for a batch of images; no pair is of full precision.

    A convolution of one to three dimensions is one product per image and group (groups run one
    after another), a linear layer one product of all images and positions; ``layer_matrix`` says
    what the rows of other layers are. Depthwise layers run ``depthwise_channels`` at a time.
    Example: 192 channels of 3x3 depthwise with a 28x28 output at 8/8 bits take 1,205,568 cycles for
    16 images on ``CLOUD``.
    """
    weight = np.array([pair.weight_bits for pair in pairs], dtype=np.int64)
    activation = np.array([pair.activation_bits for pair in pairs], dtype=np.int64)
    matrix = layer_matrix(layer)
    rows, depth, columns, calls = matrix.rows, matrix.depth, matrix.columns, matrix.groups * batch
    if matrix.depthwise:
        columns = machine.depthwise_channels
        depth, calls = depth * columns, -(-matrix.groups // columns) * batch
    elif layer.op == "linear":
        rows, calls = rows * batch, 1
    one = product_cycles(machine.array, rows, depth, columns, weight, activation)
    return ProductCycles(
        calls * one.total,
        calls * one.multiplying,
        calls * one.loading_weights,
        calls * one.loading_inputs,
    )


def layer_cost(machine: Bismo, layer: Layer, pairs: Sequence[BitPair], batch: int) -> Cost:
    """(options,) of a layer for a batch: cycles at the machine's clock, and what its ports load."""
    cycles = layer_cycles(machine, layer, pairs, batch)
    per_ms = machine.megahertz * 1e3
    words = cycles.loading_weights + cycles.loading_inputs
    return Cost(
        cycles.total / per_ms,
        busy=Busy(
            cycles.multiplying / per_ms,
            cycles.loading_weights / per_ms,
            cycles.loading_inputs / per_ms,
        ),
        moved_bytes=words * np.float64(machine.array.port_bits / 8),
    )


def roof(machine: Bismo, pair: BitPair) -> Roof:
    """What the array and its two ports do at best. Example: 8/8 bits on ``CLOUD``: 16 x 16 x 256
    binary multiplications a cycle are 0.41e12 operations a second; 12.8e9 bytes a second."""
    array, hertz = machine.array, machine.megahertz * 1e6
    bits = (pair.weight_bits or 0) * (pair.activation_bits or 0)  # no pair of full precision runs
    binary = 2 * array.side**2 * array.dot_bits * hertz
    return Roof(binary / bits, 2 * array.port_bits / 8 * hertz)


def first_and_last(network: Description) -> tuple[str, ...]:
    """The layers that HAQ keeps at 8 bits and leaves out of its totals.

    A network of one or two layers keeps both, since nothing would be left.
    """
    layers = network.layers
    return (layers[0].name, layers[-1].name) if len(layers) > 2 else ()


def _formula(machine: Bismo) -> tuple[str, ...]:
    array = machine.array
    return (
        f"multiplying = ⌈rows / {array.side}⌉ x ⌈columns / {array.side}⌉ x ⌈depth / "
        f"{array.dot_bits}⌉ x weight bits x input bits cycles, of the layer as the product of "
        "an input (rows, depth) and weights (depth, columns)",
        f"loading = ⌈depth / {array.port_bits}⌉ cycles for each bit of each row of inputs and each "
        "column of weights, both at once",
        "a layer = loading and multiplying its tiles one after another, each while the other goes "
        "on with the next tile, in the faster of two orders (inputs stay, or weights stay)",
        f"depthwise layers run {machine.depthwise_channels} "
        f"channel{'s' * (machine.depthwise_channels != 1)} at a time",
        f"milliseconds = images x cycles / {machine.megahertz * 1e3:,.0f}",
    )


_LEAVES_OUT = (
    "the first and the last layer, as HAQ's totals do",
    "biases, activation functions, pooling and additions",
    "writing the outputs back, and changing bits between layers",
    "products of two activations, as in attention",
    "sums that need more than the 32 bits of an accumulator, as at 16 bits they may",
)

BISMO_CLOUD = Hardware(
    name="bismo-cloud",
    title="BISMO cloud (VU9P)",
    provenance=(
        "Cycle model of BISMO (Umuroglu et al. 2018): 16x16 dot-product units of 256 bits, ports "
        "of 256 bits, 1,024 words a bank, 200 MHz. It gives all 3,392 entries of the latency table "
        "in HAQ's repository (Wang et al. 2019; MobileNetV2, 53 layers at 1 to 8 bits, batch 16) "
        "to the cycle; it was derived from them. It gives the paper's totals (table 3) for "
        "MobileNetV2, and for MobileNet V1, of which it knew nothing, within 0.01 %. Bits above 8, "
        "depthwise kernels other than 3x3 and grouped convolutions follow from the formula and "
        "have no published figure."
    ),
    leaves_out=_LEAVES_OUT,
    weight_bits=BITS,
    activation_bits=BITS,
    batch=16,
    cost=partial(layer_cost, CLOUD),
    excluded=first_and_last,
    roof=partial(roof, CLOUD),
    formula=_formula(CLOUD),
)

BISMO_EDGE = Hardware(
    name="bismo-edge",
    title="BISMO edge (Zynq-7020)",
    provenance=(
        "The same cycle model at the size of BISMO's largest build for that chip: 8x8 dot-product "
        "units of 256 bits, ports of 64 bits, 1,024 words a bank, 200 MHz, depthwise layers one "
        "channel at a time. No cycles per layer are published. It gives HAQ's totals (Wang et al. "
        "2019, table 3) for MobileNetV2 within 0.02 %, and for MobileNet V1 within 0.02 % at 8 "
        "bits, but 2.9 to 4.5 % too little at 6 to 4 bits. The mapping of depthwise layers was "
        "chosen to fit these totals. Bits above 8 and layers of other kinds as in the cloud's."
    ),
    leaves_out=_LEAVES_OUT,
    weight_bits=BITS,
    activation_bits=BITS,
    batch=1,
    cost=partial(layer_cost, EDGE),
    excluded=first_and_last,
    roof=partial(roof, EDGE),
    formula=_formula(EDGE),
)
