"""What a program is made of: its layers, and everything that is not one."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx

from qcore.errors import BadInput
from qcore.graph.kernels import kernel_count
from qcore.graph.layer import Layer
from qcore.graph.ops import ACTIVATION_PRODUCTS, LAYER_OPS, groups_of, layer_macs
from qcore.graph.program import Program, is_arithmetic_on_sizes
from qcore.graph.run import Runner, is_layer_node

MOST_LAYERS = 5_000
"""Each is measured and shown by itself."""


@dataclass
class _Use:
    """What a run of one image saw of one weight."""

    nodes: list[str] = field(default_factory=list)
    macs: int = 0
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Census:
    """Layers in running order, and other operators by count."""

    layers: tuple[Layer, ...]
    not_quantized: dict[str, int]
    macs_not_quantized: int


def take_census(program: Program) -> Census:
    """Run one blank image and note every node; a fixed batch is run whole and divided.

    Raises BadInput where no node is a layer, for more than ``MOST_LAYERS``, and for a layer without
    weights.
    """
    _check_layer_count(program)
    images = program.batch or 1
    uses: dict[str, _Use] = {}
    first: dict[str, fx.Node] = {}
    others: Counter[str] = Counter()
    other_macs = 0

    def observe(node: fx.Node, args: tuple[Any, ...], value: Any) -> None:
        nonlocal other_macs
        if is_layer_node(node, program.constants):
            weight = node.args[1]
            assert isinstance(weight, fx.Node)
            key = program.constants[weight.name]
            first.setdefault(key, node)
            _note(uses.setdefault(key, _Use()), node, args, value)
        elif not is_arithmetic_on_sizes(node):
            others[node.target._schema.name.removeprefix("aten::")] += 1  # type: ignore[union-attr]
            if node.target in ACTIVATION_PRODUCTS:
                other_macs += ACTIVATION_PRODUCTS[node.target](args, value)

    runner = Runner(program.graph, program.tensors, program.constants, program.input_nodes)
    with torch.inference_mode():
        blank = tuple(torch.zeros(images, *shape) for shape in program.input_shapes)
        runner.advance(runner.start(blank), len(runner.nodes), observe=observe)
    if not uses:
        raise BadInput("this network has no convolution or linear layer: nothing to quantize")
    names = Counter(_layer_name(key) for key in uses)
    layers = tuple(
        _layer(program, key, use, first[key], unique=names[_layer_name(key)] == 1)
        for key, use in uses.items()
    )
    for layer in layers:
        if layer.weight_count == 0:
            shape = "x".join(str(size) for size in layer.weight_shape)
            raise BadInput(f"layer {layer.name!r} has no weights (shape {shape}); remove it")
    return Census(layers, dict(others.most_common()), other_macs // images)


def _check_layer_count(program: Program) -> None:
    layers = [n for n in program.graph.nodes if is_layer_node(n, program.constants)]
    count = len({program.constants[n.args[1].name] for n in layers})
    if count > MOST_LAYERS:
        raise BadInput(
            f"this network has {count:,} layers; at most {MOST_LAYERS:,} can be handled: "
            "bring a smaller network"
        )


def _note(use: _Use, node: fx.Node, args: tuple[Any, ...], value: Tensor) -> None:
    groups = groups_of(node.target, args, dict(node.kwargs))
    use.nodes.append(node.name)
    shape = tuple(args[1].shape)
    use.macs += layer_macs(LAYER_OPS[node.target], shape, groups, args[0], value)
    use.input_shape = use.input_shape or tuple(args[0].shape)
    use.output_shape = use.output_shape or tuple(value.shape)


def _layer(program: Program, key: str, use: _Use, node: fx.Node, *, unique: bool) -> Layer:
    weight, op = program.tensors[key], LAYER_OPS[node.target]
    groups = groups_of(node.target, node.args, dict(node.kwargs))
    bias = node.args[2] if len(node.args) > 2 else node.kwargs.get("bias")
    return Layer(
        name=_layer_name(key) if unique else key,
        op=op,
        weight_key=key,
        bias_key=None if bias is None else program.constants.get(bias.name),  # type: ignore
        nodes=tuple(use.nodes),
        weight_shape=tuple(weight.shape),
        groups=groups,
        kernels=kernel_count(op, tuple(weight.shape), groups),
        macs=use.macs // (program.batch or 1),
        input_shape=_one_image(use.input_shape, program.batch),
        output_shape=_one_image(use.output_shape, program.batch),
        weight_std=_standard_deviation(weight),
    )


def _standard_deviation(weight: Tensor) -> float | None:
    found = float(weight.float().std(correction=0)) if weight.numel() else 0.0
    return found if math.isfinite(found) else None


def _one_image(shape: tuple[int, ...], batch: int | None) -> tuple[int, ...]:
    """Tokens too: 4 images of 16 tokens, (64, 8), are (16, 8) for one."""
    if batch is None or shape[0] % batch:
        return shape
    return (shape[0] // batch, *shape[1:])


def _layer_name(weight_key: str) -> str:
    """``layer1.0.conv1.weight`` -> ``layer1.0.conv1``; ``attn.in_proj_weight`` -> ``attn.in_proj``.

    A network that is a single layer has the bare key ``weight``, which stays.
    """
    return weight_key.removesuffix(".weight").removesuffix("_weight") or weight_key


def fingerprint(program: Program) -> str:
    """SHA-256 over the folded graph and every tensor in it: equal for equal computations.

    Nodes are hashed by their place, since their names are chance; every text comes after its
    length, so that two texts cannot pass for another two.
    """
    digest = hashlib.sha256()

    def add(*texts: object) -> None:
        for text in texts:
            content = str(text).encode()
            digest.update(len(content).to_bytes(8, "little") + content)

    place = {node: number for number, node in enumerate(program.graph.nodes)}
    names = {node.name: number for node, number in place.items()}
    add(program.input_shapes, program.batch, [names[name] for name in program.input_nodes])
    for node, number in place.items():
        args, kwargs = fx.node.map_arg((node.args, node.kwargs), lambda n: _Place(place[n]))  # type: ignore
        add(number, node.op, _target_name(node), args, kwargs, program.constants.get(node.name, ""))
    for key in sorted(program.tensors):
        tensor = program.tensors[key].contiguous().cpu()
        add(key, tensor.dtype, tuple(tensor.shape))
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _target_name(node: fx.Node) -> str:
    if isinstance(node.target, str):
        return ""  # of a placeholder: its name
    if isinstance(node.target, torch._ops.OpOverload):
        return str(node.target)
    return f"{node.target.__module__}.{node.target.__qualname__}"  # as text it has an address


@dataclass(frozen=True)
class _Place:
    """A node among arguments, which no number or text looks like."""

    number: int
