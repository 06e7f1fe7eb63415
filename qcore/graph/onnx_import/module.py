"""The module that walks the steps of a graph."""

from __future__ import annotations

from collections import Counter

from torch import Tensor, nn

from qcore.graph.onnx_import.inputs import GraphInput
from qcore.graph.onnx_import.names import STATISTICS, Namer, is_plain, roles, wanted_name
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.table import call
from qcore.graph.onnx_import.values import HostArray, Value, tensor_of


class _Box(nn.Module):
    """One level of a dotted name."""


class OnnxModule(nn.Module):
    """Takes one tensor (N, *shape) per graph input, channels first; gives the graph's outputs.

    One output comes back as a tensor, several as a tuple.
    """

    def __init__(
        self,
        steps: list[Step],
        constants: dict[str, Value],
        origin: dict[str, str],
        inputs: tuple[GraphInput, ...],
        outputs: tuple[str, ...],
    ) -> None:
        super().__init__()
        read = {name for step in steps for name in step.inputs} | set(outputs)
        self._steps = steps
        self._inputs, self._outputs = inputs, outputs
        self._host: dict[str, HostArray] = {}
        self._paths: dict[str, tuple[str, ...]] = {}
        tensors: dict[str, Tensor] = {}
        for name, value in constants.items():
            if name not in read:
                continue
            if isinstance(value, Tensor):
                tensors[name] = value
            else:
                self._host[name] = value
        self._register(tensors, origin)
        _plan_release(steps, outputs)

    def _register(self, tensors: dict[str, Tensor], origin: dict[str, str]) -> None:
        namer, used = Namer(), roles(self._steps)
        reads = Counter(name for step in self._steps for name in step.inputs)
        shared = {name for name, count in reads.items() if count > 1}
        # Names that can stay come first, so that no made-up one takes their place.
        plain = [name for name in tensors if is_plain(origin.get(name, name))]
        order = [*plain, *(name for name in tensors if name not in set(plain))]
        for i, name in enumerate(order):
            role = used.get(name)
            own = origin.get(name, name)
            key = namer.key(wanted_name(own, role, origin, shared, i))
            *boxes, last = key.split(".")
            owner: nn.Module = self
            for box in boxes:
                if box not in owner._modules:
                    owner.add_module(box, _Box())
                owner = owner.get_submodule(box)
            tensor = tensors[name]
            learned = role is not None or is_plain(own)
            statistics = role is not None and role[2] in STATISTICS
            if tensor.is_floating_point() and learned and not statistics:
                owner.register_parameter(last, nn.Parameter(tensor, requires_grad=False))
            else:
                owner.register_buffer(last, tensor)
            self._paths[name] = tuple(key.split("."))

    def forward(self, *images: Tensor) -> Tensor | tuple[Tensor, ...]:
        values: dict[str, Value | None] = {}
        for item, image in zip(self._inputs, images, strict=True):
            values[item.name] = image.permute(0, 2, 3, 1) if item.channels_last else image
        for step in self._steps:
            results = call(step, [self._value(name, values) for name in step.inputs])
            values.update(zip(step.outputs, results, strict=False))
            for name in step.drop:
                values.pop(name, None)
        found = tuple(tensor_of(self._value(name, values)) for name in self._outputs)
        return found[0] if len(found) == 1 else found

    def _value(self, name: str, values: dict[str, Value | None]) -> Value | None:
        if name in self._paths:
            # Looked up by attribute each time: tracing puts its own tensors there.
            owner = self.get_submodule(".".join(self._paths[name][:-1]))
            stored: Tensor = getattr(owner, self._paths[name][-1])
            return stored
        return values[name] if name in values else self._host.get(name)


def _plan_release(steps: list[Step], outputs: tuple[str, ...]) -> None:
    """Let go of a value after the last step that reads it."""
    seen = set(outputs)
    for step in reversed(steps):
        step.drop = tuple({name for name in step.inputs if name and name not in seen})
        seen.update(step.inputs)


def build_module(
    steps: list[Step],
    constants: dict[str, Value],
    origin: dict[str, str],
    inputs: tuple[GraphInput, ...],
    outputs: tuple[str, ...],
) -> OnnxModule:
    """The module in evaluation mode, its tensors named after the file's."""
    return OnnxModule(steps, constants, origin, inputs, outputs).eval()
