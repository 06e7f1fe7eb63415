"""One pass over the graph at load: fold constants, learn shapes, choose branches.

Every operator runs on tensors without data first, so that a result's size is known before memory
is asked for; operators of constants alone then run for good.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from qcore.errors import BadInput, is_out_of_memory
from qcore.graph.onnx_import.checks import check_operators, check_size, ordered
from qcore.graph.onnx_import.inputs import GraphInput
from qcore.graph.onnx_import.step import Step, scope_of
from qcore.graph.onnx_import.table import call
from qcore.graph.onnx_import.tensors import Reader, attributes_of
from qcore.graph.onnx_import.values import Value, numbers

CONSTANT_BYTES = 256 << 20
"""Largest constant that is computed at load."""
ACTIVATION_BYTES = 2 << 30
"""Largest tensor between two operators, at the file's batch size (two images where it is free)."""
HOST_ITEMS = 64
"""Whole numbers up to this count may be a shape and stay on the host."""

_HOST_SLOTS = {
    "Resize": (1, 2, 3),
    "Upsample": (1,),
    "Clip": (1, 2),
    "Pad": (2,),
    "Range": (0, 1, 2),
}
_FOLLOWS_BATCH = {"Reshape", "Expand", "Resize", "Upsample"}


class _SizeGuard(TorchDispatchMode):
    """Raises BadInput for any result, also inside an operator, of more than ``limit`` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.limit = limit

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for item in result if isinstance(result, tuple | list) else (result,):
            if isinstance(item, Tensor) and item.numel() * item.element_size() > self.limit:
                megabytes = item.numel() * item.element_size() >> 20
                raise BadInput(
                    f"it makes a tensor of {megabytes:,} MB; at most {self.limit >> 20:,} MB are "
                    "allowed: use a smaller input or export the network again"
                )
        return result


class Walk:
    """``constants`` and ``steps`` after ``run``; steps read constants, inputs and each other."""

    def __init__(self, reader: Reader, opset: int, inputs: tuple[GraphInput, ...]) -> None:
        self.reader, self.opset = reader, opset
        self.batch = inputs[0].batch
        self.constants: dict[str, Value] = {}
        self.steps: list[Step] = []
        self._fake = FakeTensorMode(allow_non_fake_inputs=True)
        self._values: dict[str, Any] = {}
        self._host_names: set[str] = set()
        for item in inputs:
            shape = item.shape if not item.channels_last else (*item.shape[1:], item.shape[0])
            # Two images, so that a batch of one is not taken for an axis to squeeze.
            with self._fake:
                self._values[item.name] = torch.empty(self.batch or 2, *shape)

    def run(self, graph: onnx.GraphProto) -> None:
        """Take in a graph (or the chosen branch of an If). Raises BadInput as ``read_onnx``."""
        check_size(graph)
        names = [tensor.name for tensor in graph.initializer]
        known = {*self.constants, *self._values}
        if len(set(names)) < len(names) or known & set(names):
            raise BadInput("two tensors of this .onnx have the same name; export it again")
        outputs = [value.name for value in graph.output]
        nodes = ordered(list(graph.node), known | set(names), outputs)
        check_operators(nodes)
        for node in nodes:
            for i in _HOST_SLOTS.get(node.op_type, ()):
                self._host_names.update(node.input[i : i + 1])
        for tensor in graph.initializer:
            self._store(tensor.name, self.reader.read(tensor))
        for node in nodes:
            self._node(node)

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The shape of a value at the file's batch size."""
        value = self._values.get(name)
        return tuple(value.shape) if isinstance(value, Tensor) else None

    def _store(self, name: str, value: Value) -> None:
        count = value.size if isinstance(value, np.ndarray) else value.numel()
        array = value if isinstance(value, np.ndarray) else None
        whole = array is not None and array.dtype.kind in "iub"
        if isinstance(value, Tensor) and not value.is_floating_point():
            whole = True
        small = count <= HOST_ITEMS and (whole or value.ndim == 0 or name in self._host_names)
        if small:
            self.constants[name] = value.numpy() if isinstance(value, Tensor) else value
        else:
            self.constants[name] = torch.from_numpy(array) if array is not None else value

    def _node(self, node: onnx.NodeProto) -> None:
        if node.op_type == "If":
            self._branch(node)
            return
        step = Step(
            node.op_type,
            node.name,
            tuple(node.input),
            tuple(node.output),
            attributes_of(node, self.reader),
            self.opset,
            batch=self.batch,
            scope=scope_of(node),
        )
        self.add(step)

    def add(self, step: Step) -> None:
        """Run one step without data, and for good where all it reads is constant."""
        values = [self._value(name) for name in step.inputs]
        constant = all(name in self.constants for name in step.inputs if name)
        limit = CONSTANT_BYTES if constant else ACTIVATION_BYTES
        try:
            with self._fake, _SizeGuard(limit):
                results = call(step, values)
            if constant:
                with torch.no_grad():
                    results = call(step, values)
        except Exception as error:  # torch and NumPy raise many types on shapes that do not fit
            if is_out_of_memory(error):
                raise
            raise BadInput(_failure(step, error)) from error
        for name, value in zip(step.outputs, results, strict=False):
            if not name:
                continue
            if value is None:
                raise BadInput(f"operator {step.op} gives no {name[:80]!r}; export it again")
            if constant:
                self._store(name, value.contiguous() if isinstance(value, Tensor) else value)
            else:
                self._values[name] = value
        if not constant:
            self._note_batch(step, values)
            self.steps.append(step)

    def _value(self, name: str) -> Any:
        if not name:
            return None
        return self.constants[name] if name in self.constants else self._values[name]

    def _note_batch(self, step: Step, values: list[Any]) -> None:
        if self.batch and step.op in _FOLLOWS_BATCH and isinstance(values[0], Tensor):
            step.seen = tuple(int(size) for size in values[0].shape)
            given = [value for value in values[1:] if isinstance(value, np.ndarray) and value.size]
            step.target = numbers(given[-1]) if given else None

    def _branch(self, node: onnx.NodeProto) -> None:
        condition = self._value(node.input[0]) if len(node.input) == 1 else None
        if not isinstance(condition, np.ndarray) or condition.size != 1:
            raise BadInput(
                "operators that are not supported: If x1, whose condition depends on the image; "
                "export the network without it"
            )
        wanted = "then_branch" if bool(condition.reshape(-1)[0]) else "else_branch"
        chosen = [a.g for a in node.attribute if a.name == wanted]
        if len(chosen) != 1 or len(chosen[0].output) != len(node.output):
            raise BadInput("an If of this .onnx lacks a branch; export it again")
        self.run(chosen[0])
        for inner, outer in zip(chosen[0].output, node.output, strict=True):
            self.add(Step("Identity", node.name, (inner.name,), (outer,), opset=self.opset))


def _failure(step: Step, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    label = f" {step.name[:80]!r}" if step.name else ""
    return f"operator {step.op}{label} cannot be run: {reason}"
