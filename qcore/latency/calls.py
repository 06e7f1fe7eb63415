"""How each layer of a network is called: shapes and arguments of every use."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, fx

from qcore.graph.network import Network
from qcore.graph.ops import LAYER_OPS, TRANSPOSED_OPS, groups_of

Kind = Literal["conv", "conv_transpose", "linear"]
Range = tuple[float, float]


@dataclass(frozen=True)
class Call:
    """One operator with the sizes it is called with; equal calls take equal time.

    A linear layer is the product of (rows, inputs) with (outputs, inputs). ``pads`` are those at
    the beginning of each dimension, then those at the end.
    """

    kind: Kind
    x_shape: tuple[int, ...]
    weight_shape: tuple[int, ...]
    y_shape: tuple[int, ...]
    has_bias: bool
    strides: tuple[int, ...] = ()
    pads: tuple[int, ...] = ()
    dilations: tuple[int, ...] = ()
    output_padding: tuple[int, ...] = ()
    groups: int = 1

    @property
    def kernels(self) -> int:
        return self.y_shape[1]


@dataclass
class Calls:
    """All uses of one layer in running order; of its first use what it adds, reads and writes.

    ``bias`` is None where there is none, or none with one value for each kernel.
    """

    uses: list[Call] = field(default_factory=list)
    bias: Tensor | None = None
    x_range: Range = (-1.0, 1.0)
    y_range: Range = (-1.0, 1.0)


def layer_calls(network: Network, batch: int) -> dict[str, Calls]:
    """Layer name -> how it is called, from one run on ``batch`` random images."""
    layer_of = {node: layer.name for layer in network.description.layers for node in layer.nodes}
    found = {layer.name: Calls() for layer in network.description.layers}

    def observe(node: fx.Node, args: tuple[Any, ...], value: Any) -> None:
        if node.name not in layer_of:
            return
        calls, named = found[layer_of[node.name]], _named(node, args)
        call = _call(node, named, value)
        if not calls.uses:
            calls.bias = _one_per_kernel(named["bias"], call.kernels)
            calls.x_range, calls.y_range = _range(args[0]), _range(value)
        calls.uses.append(call)

    runner = network.runner()
    with torch.inference_mode():
        position = runner.start(random_images(network, batch))
        runner.advance(position, len(runner.nodes), observe=observe)
    return found


def random_images(network: Network, batch: int) -> tuple[Tensor, ...]:
    """A batch for each input, of normally distributed values: zeros could be faster or, where they
    make denormal numbers, far slower."""
    description, generator = network.description, torch.Generator().manual_seed(0)
    shapes = [description.input_shape, *(shape for _, shape in description.extra_inputs)]
    return tuple(torch.randn((batch, *shape), generator=generator) for shape in shapes)


def _named(node: fx.Node, args: tuple[Any, ...]) -> dict[str, Any]:
    """The operator's arguments by name, those left out at their defaults."""
    schema = node.target._schema.arguments  # type: ignore[union-attr]
    values = {one.name: one.default_value for one in schema if one.has_default_value()}
    values |= {one.name: value for one, value in zip(schema, args, strict=False)}
    return {**values, **node.kwargs}


def _one_per_kernel(bias: Any, kernels: int) -> Tensor | None:
    fits = isinstance(bias, Tensor) and tuple(bias.shape) == (kernels,)
    return bias.detach().cpu() if fits else None


def _range(x: Tensor) -> Range:
    low, high = (float(v) for v in torch.aminmax(x.float())) if x.numel() else (0.0, 0.0)
    return (low, high) if math.isfinite(low) and math.isfinite(high) else (-1.0, 1.0)


def _call(node: fx.Node, named: dict[str, Any], y: Tensor) -> Call:
    x, weight = named["input"], named["weight"]
    has_bias = named["bias"] is not None
    if LAYER_OPS[node.target] == "linear":
        wide = tuple(weight.shape) if weight.dim() == 2 else (1, *weight.shape)
        rows = x.numel() // wide[1]
        return Call("linear", (rows, wide[1]), wide, (rows, wide[0]), has_bias)
    count = weight.dim() - 2
    dilations = _each(named["dilation"], count)
    transposed = node.target in TRANSPOSED_OPS
    return Call(
        "conv_transpose" if transposed else "conv",
        _batched(x, count),
        tuple(weight.shape),
        _batched(y, count),
        has_bias,
        _each(named["stride"], count),
        _pads(named["padding"], tuple(weight.shape[2:]), dilations),
        dilations,
        _each(named["output_padding"], count) if transposed else (),
        groups_of(node.target, (), {"groups": named["groups"]}),
    )


def _batched(x: Tensor, count: int) -> tuple[int, ...]:
    """torch takes one image without its batch dimension, ONNX does not."""
    return tuple(x.shape) if x.dim() == count + 2 else (1, *x.shape)


def _each(value: Any, count: int) -> tuple[int, ...]:
    """One number for every dimension may be given once."""
    sizes = tuple(value) if isinstance(value, list | tuple) else (value,)
    return sizes if len(sizes) == count else sizes * count


def _pads(value: Any, kernel: tuple[int, ...], dilations: tuple[int, ...]) -> tuple[int, ...]:
    """ "same" pads one more at the end where the sum is odd."""
    if value == "valid":
        return (0,) * 2 * len(kernel)
    if value == "same":
        sums = [d * (k - 1) for k, d in zip(kernel, dilations, strict=True)]
        begins = tuple(total // 2 for total in sums)
        return begins + tuple(s - b for s, b in zip(sums, begins, strict=True))
    return _each(value, len(kernel)) * 2
