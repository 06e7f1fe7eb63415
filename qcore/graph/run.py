"""Run a graph node by node: stop anywhere, go on from there with other weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx

from qcore.graph.ops import LAYER_OPS


@dataclass(eq=False)
class Position:
    """A run that has stopped before node number ``index``; ``values`` are what later nodes need."""

    index: int
    values: dict[fx.Node, Any]


Observer = Callable[[fx.Node, tuple[Any, ...], Any], None]


class Runner:
    """Executes one graph with one set of tensors on one device.

    The graph is functional, so a ``Position`` can be finished any number of times: the work before
    it is done once. Four-dimensional tensors are kept channels-last, in which convolutions are
    fastest on CPU and GPU. Values are freed after their last use.
    """

    def __init__(
        self,
        graph: fx.Graph,
        tensors: Mapping[str, Tensor],
        constants: Mapping[str, str],
        input_node: str,
        device: torch.device | None = None,
    ) -> None:
        self.device = device or torch.device("cpu")
        self.nodes = [n for n in graph.nodes if n.op == "call_function"]
        self.index = {node.name: i for i, node in enumerate(self.nodes)}
        placeholders = {n.name: n for n in graph.nodes if n.op == "placeholder"}
        self._input = placeholders[input_node]
        (self._output,) = next(n for n in graph.nodes if n.op == "output").all_input_nodes
        self._stored = {
            placeholders[name]: arrange(tensors[key], self.device)
            for name, key in constants.items()
        }
        self._nodes_of_key: dict[str, list[fx.Node]] = {}
        for name, key in constants.items():
            self._nodes_of_key.setdefault(key, []).append(placeholders[name])
        self._dead_after = self._last_uses()

    def _last_uses(self) -> list[list[fx.Node]]:
        dead: list[list[fx.Node]] = [[] for _ in self.nodes]
        seen = {self._output, *self._stored}
        for i in range(len(self.nodes) - 1, -1, -1):
            for node in (*self.nodes[i].all_input_nodes, self.nodes[i]):
                if node not in seen:
                    seen.add(node)
                    dead[i].append(node)
        return dead

    def start(self, images: Tensor) -> Position:
        """A run at its beginning. images (N, ...), on any device."""
        return Position(0, {self._input: arrange(images, self.device)})

    def advance(self, position: Position, index: int, observe: Observer | None = None) -> None:
        """Run, in place, the nodes before number ``index``."""
        self._run(position, index, {}, observe)

    def finish(self, position: Position, replaced: Mapping[str, Tensor] | None = None) -> Tensor:
        """The network's output from here on, with the tensors of some keys replaced.

        Leaves ``position`` as it is. A key whose first use lies before ``position`` has been used
        with its old value already: the caller stops before the first node that reads it.
        """
        swapped = {
            node: value
            for key, value in (replaced or {}).items()
            for node in self._nodes_of_key[key]
        }
        copy = Position(position.index, dict(position.values))
        self._run(copy, len(self.nodes), swapped, None)
        output: Tensor = copy.values[self._output]
        return output

    def __call__(self, images: Tensor, replaced: Mapping[str, Tensor] | None = None) -> Tensor:
        """The network's output (N, classes) for images (N, ...)."""
        return self.finish(self.start(images), replaced)

    def _run(
        self,
        position: Position,
        end: int,
        swapped: Mapping[fx.Node, Tensor],
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
            values[node] = node.target(*args, **kwargs)
            if observe is not None:
                observe(node, args, values[node])
            for dead in self._dead_after[i]:
                values.pop(dead, None)
        position.index = max(position.index, end)


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
