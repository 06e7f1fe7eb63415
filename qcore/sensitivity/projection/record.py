"""A run that remembers what its layers saw, and sends directions back through it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.graph.network import Network
from qcore.graph.run import Changes, Input, Output, Runner, as_tuple
from qcore.sensitivity.projection.directions import Direction
from qcore.sensitivity.projection.use import Use

Report = Callable[[Use, list[Tensor]], None]
"""A use and its gradients, one for each direction: at the layer's output, or at its input."""


class Record:
    """One forward run with what is needed to go back.

    Gradients begin at the outputs of the first layers, so that no image and no weight gets one;
    where ``inputs`` are looked at they begin at the first layers' inputs.
    """

    def __init__(self, network: Network, runner: Runner, images: Input, *, inputs: bool) -> None:
        self.images = len(as_tuple(images)[0])
        self._batch, self._inputs = network.description.batch, inputs
        self._layers = {node: la for la in network.description.layers for node in la.nodes}
        # Copies that fill up a fixed batch are rows too; no direction goes back through them.
        self._rows = 1 if self.images == 1 else self._batch or self.images
        self._outputs_of: list[tuple[Use, Tensor]] = []
        self._edges: dict[str, Tensor] = {}
        self._leaves: list[Tensor] = []
        position = runner.start(images)
        changes = self._changes(network)
        for index in sorted(runner.index[node] for node in self._layers):
            runner.advance(position, index + 1, changes, observe=self._observe)
            node = runner.nodes[index]
            value = position.values.get(node)
            if value is not None and not value.requires_grad:
                position.values[node] = value = self._leaf(value)
            if value is not None:
                self._outputs_of.append((self._last, value))
        self.output: Output = runner.finish(position, changes)

    def images_come_first(self) -> bool:
        """True where the first axis of what enters and leaves each use is that of the images.

        It is not for a layer that works on a constant. In a network of a fixed batch size, an equal
        second axis could as well be that of the images.
        """
        return all(
            len(values) == self._rows
            and not (
                self._batch and use.linear and values.dim() > 2 and len(values[0]) == len(values)
            )
            for use, output in self._outputs_of
            for values in (use.x, output)
        )

    def back(
        self,
        directions: list[Direction],
        at_output: Report | None,
        at_input: Report | None,
    ) -> None:
        """Send each direction back; a use is reported when all its gradients are known.

        A use that does not reach the output is not reported. Raises BadInput where no use does.
        """
        outputs = as_tuple(self.output)
        reached = [i for i, value in enumerate(outputs) if value.requires_grad]
        if not reached:
            raise BadInput(
                "no gradient reaches the layers from the network's output; use --method exact"
            )
        for use, value in self._outputs_of:
            if at_output is not None:
                _collect(value, use, len(directions), at_output)
            if at_input is not None and (edge := self._edges.get(use.node)) is not None:
                _collect(edge, use, len(directions), at_input)
        self._outputs_of.clear()
        self._edges.clear()
        for number, direction in enumerate(directions):
            torch.autograd.grad(
                [outputs[i] for i in reached],
                self._leaves,
                [direction[i] for i in reached],
                retain_graph=number + 1 < len(directions),
                allow_unused=True,
            )

    def _changes(self, network: Network) -> Changes:
        """Taps at the layers' inputs, and tensors that autograd can keep."""
        copies = {key: t.clone() for key, t in network.tensors.items() if t.is_inference()}
        taps = {node: self._tap(node) for node in self._layers} if self._inputs else {}
        return Changes(copies, entering=taps)

    def _tap(self, node: str) -> Callable[[Tensor], Tensor]:
        def edge(x: Tensor) -> Tensor:
            """x by another name, so that its gradient is that through this layer alone."""
            self._edges[node] = x.view_as(x) if x.requires_grad else self._leaf(x)
            return self._edges[node]

        return edge

    def _leaf(self, value: Tensor) -> Tensor:
        leaf = value.detach().requires_grad_()
        self._leaves.append(leaf)
        return leaf

    def _observe(self, node: fx.Node, args: tuple[Any, ...], value: Any) -> None:
        if (layer := self._layers.get(node.name)) is None:
            return
        kwargs = {name: given for name, given in node.kwargs.items() if name != "bias"}
        x = args[0].detach()
        self._last = Use(layer, node.name, node.target, x, args[3:], kwargs, self._rows)


def _collect(value: Tensor, use: Use, count: int, report: Report) -> None:
    """Report the gradients at that value when there are ``count``."""
    found: list[Tensor] = []

    def note(gradient: Tensor) -> None:
        found.append(gradient.detach())
        if len(found) == count:
            report(use, found)
            found.clear()

    value.register_hook(note)


def may_come_first(network: Description) -> bool:
    """False where some layer has several rows for one image on its first axis, as the tokens of
    transformers and the windows of Swin are: such networks go image by image."""
    shapes = [shape for la in network.layers for shape in (la.input_shape, la.output_shape)]
    return all(shape[0] == 1 for shape in shapes)
