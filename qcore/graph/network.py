"""A network ready to run: a functional ATen graph, its tensors and its layers."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, fx

from qcore.data.preprocess import Preprocessing
from qcore.graph.layer import Description, Layer
from qcore.graph.run import Runner


@dataclass(frozen=True, eq=False)
class Network:
    """The graph, the tensors that its placeholders stand for, and what is known about both.

    ``tensors`` maps a key (the parameter's own name where it has one) to its value; ``constants``
    maps the name of a placeholder node to such a key. ``input_nodes`` are the names of the
    placeholders that take a batch each. ``preprocessing`` is None where it is not known how
    photographs become inputs. Treat as read-only: several jobs share one network.
    """

    graph: fx.Graph
    tensors: dict[str, Tensor]
    constants: dict[str, str]
    input_nodes: tuple[str, ...]
    description: Description
    preprocessing: Preprocessing | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def runner(self) -> Runner:
        """What runs this network on its device."""
        return Runner(
            self.graph,
            self.tensors,
            self.constants,
            self.input_nodes,
            self.device,
            self.description.batch,
        )

    def weight(self, layer: Layer) -> Tensor:
        """The full-precision (folded) weight of a layer, in its stored shape."""
        return self.tensors[layer.weight_key]
