"""Run a graph node by node: stop anywhere, go on from there with other weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, fx

from qcore.graph.operand_sizes import check_of, check_operands
from qcore.graph.ops import LAYER_OPS

Input = Tensor | tuple[Tensor, ...]
"""One batch (N, ...), or one for each input of the network."""

Output = Tensor | tuple[Tensor, ...]
"""What comes out: (N, ...), or one for each output of the network."""


def as_tuple(value: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Several of what may be one."""
    return (value,) if isinstance(value, Tensor) else value


@dataclass(eq=False)
class Position:
    """A run of ``images`` images that has stopped before node number ``index``.

    ``values`` are what later nodes need.
    """

    index: int
    values: dict[fx.Node, Any]
    images: int


Observer = Callable[[fx.Node, tuple[Any, ...], Any], None]


@dataclass(frozen=True, eq=False)
class Changes:
    """What is other than stored in one run.

    ``tensors``: key -> the tensor that stands for it. ``entering``: node name -> what is done to
    the node's first operand before the node runs. ``shifts``: name of a layer's node -> what is
    added to its bias, (kernels,); a layer without a bias gets one.
    """

    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    entering: Mapping[str, Callable[[Tensor], Tensor]] = field(default_factory=dict)
    shifts: Mapping[str, Tensor] = field(default_factory=dict)

    def joined(self, other: Changes) -> Changes:
        """Both together; where both say something, ``other`` counts."""
        return Changes(
            {**self.tensors, **other.tensors},
            {**self.entering, **other.entering},
            {**self.shifts, **other.shifts},
        )


NO_CHANGES = Changes()


class Runner:
    """Executes one graph with one set of tensors on one device.

    The graph is functional, so a ``Position`` can be finished any number of times: the work before
    it is done once. Four-dimensional tensors are kept channels-last, in which convolutions are
    fastest on CPU and GPU. Values are freed after their last use. A network with a fixed ``batch``
    takes up to that many images at once; a short batch is filled up with copies of its last image,
    whose results are cut off again.
    """

    def __init__(
        self,
        graph: fx.Graph,
        tensors: Mapping[str, Tensor],
        constants: Mapping[str, str],
        input_nodes: tuple[str, ...],
        device: torch.device | None = None,
        batch: int | None = None,
    ) -> None:
        self._batch = batch
        self.device = device or torch.device("cpu")
        self.nodes = [n for n in graph.nodes if n.op == "call_function"]
        self.index = {node.name: i for i, node in enumerate(self.nodes)}
        placeholders = {n.name: n for n in graph.nodes if n.op == "placeholder"}
        self._inputs = [placeholders[name] for name in input_nodes]
        (results,) = next(n for n in graph.nodes if n.op == "output").args
        self._outputs: list[fx.Node] = list(results)
        self._stored = {
            placeholders[name]: arrange(tensors[key], self.device)
            for name, key in constants.items()
        }
        self._nodes_of_key: dict[str, list[fx.Node]] = {}
        for name, key in constants.items():
            self._nodes_of_key.setdefault(key, []).append(placeholders[name])
        self._dead_after = self._last_uses()
        self._checked = {n for n in self.nodes if check_of(n.target) is not None}

    def _last_uses(self) -> list[list[fx.Node]]:
        dead: list[list[fx.Node]] = [[] for _ in self.nodes]
        seen = {*self._outputs, *self._stored}
        for i in range(len(self.nodes) - 1, -1, -1):
            for node in (*self.nodes[i].all_input_nodes, self.nodes[i]):
                if node not in seen:
                    seen.add(node)
                    dead[i].append(node)
        return dead

    def start(self, images: Input) -> Position:
        """A run at its beginning. images (N, ...), on any device.

        Raises ValueError for more images than a fixed batch has.
        """
        given = as_tuple(images)
        count = len(given[0])
        if self._batch is not None and count > self._batch:
            raise ValueError(f"{count} images at once, but this network takes {self._batch}")
        values = {
            node: arrange(_filled(x, self._batch), self.device)
            for node, x in zip(self._inputs, given, strict=True)
        }
        return Position(0, values, count)

    def advance(
        self,
        position: Position,
        index: int,
        changes: Changes = NO_CHANGES,
        observe: Observer | None = None,
    ) -> None:
        """Run, in place, the nodes before number ``index``."""
        self._run(position, index, self._swapped(changes), changes, observe)

    def finish(self, position: Position, changes: Changes = NO_CHANGES) -> Output:
        """The network's output from here on.

        Leaves ``position`` as it is. What is changed before ``position`` has been run as it was
        already: the caller stops before the first node that is concerned.
        """
        swapped = self._swapped(changes)
        copy = Position(position.index, dict(position.values), position.images)
        self._run(copy, len(self.nodes), swapped, changes, None)
        values = {**self._stored, **swapped, **copy.values}
        found = tuple(_cut(values[node], position.images, self._batch) for node in self._outputs)
        return found[0] if len(found) == 1 else found

    def __call__(self, images: Input, changes: Changes = NO_CHANGES) -> Output:
        """The network's output for images (N, ...), for example (N, classes)."""
        return self.finish(self.start(images), changes)

    def _swapped(self, changes: Changes) -> dict[fx.Node, Tensor]:
        return {
            node: value
            for key, value in changes.tensors.items()
            for node in self._nodes_of_key[key]
        }

    def _run(
        self,
        position: Position,
        end: int,
        swapped: Mapping[fx.Node, Tensor],
        changes: Changes,
        observe: Observer | None,
    ) -> None:
        values, stored = position.values, self._stored

        def read(node: fx.Node) -> Any:
            if node in values:
                return values[node]
            return swapped[node] if node in swapped else stored[node]

        for i in range(position.index, end):
            node = self.nodes[i]
            args = fx.node.map_arg(node.args, read)
            kwargs = fx.node.map_arg(node.kwargs, read)
            if "device" in kwargs:  # recorded on the exporting machine's device
                kwargs = {**kwargs, "device": self.device}
            if node.name in changes.entering:
                args = (changes.entering[node.name](args[0]), *args[1:])
            if node.name in changes.shifts:
                args, kwargs = _shifted(args, kwargs, changes.shifts[node.name])
            if node in self._checked:
                check_operands(node.target, args, kwargs)
            values[node] = node.target(*args, **kwargs)
            if observe is not None:
                observe(node, args, values[node])
            for dead in self._dead_after[i]:
                values.pop(dead, None)
        position.index = max(position.index, end)


def _shifted(
    args: tuple[Any, ...], kwargs: dict[str, Any], shift: Tensor
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A layer's (input, weight, bias, ...) with something added to its bias."""
    x, weight, bias, *rest = args if len(args) > 2 else (*args, kwargs.get("bias"))
    others = {name: value for name, value in kwargs.items() if name != "bias"}
    return (x, weight, shift if bias is None else bias + shift, *rest), others


def _filled(images: Tensor, batch: int | None) -> Tensor:
    """With copies of the last image up to a fixed batch."""
    if batch is None or len(images) == batch:
        return images
    return torch.cat([images, images[-1:].expand(batch - len(images), *images.shape[1:])])


def _cut(output: Tensor, images: int, batch: int | None) -> Tensor:
    return output if batch is None else output[:images]


def arrange(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on the device, channels-last where it has four dimensions."""
    if tensor.dim() == 4:
        return tensor.to(device, memory_format=torch.channels_last)
    return tensor.to(device)


def first_use(runner: Runner, nodes: tuple[str, ...]) -> int:
    """The number of the first of these nodes in running order."""
    return min(runner.index[name] for name in nodes)


def is_layer_node(node: fx.Node, constants: Mapping[str, str]) -> bool:
    """True for a convolution or linear node whose weight is a stored tensor."""
    if node.target not in LAYER_OPS or len(node.args) < 2:
        return False
    weight = node.args[1]
    return isinstance(weight, fx.Node) and weight.name in constants
