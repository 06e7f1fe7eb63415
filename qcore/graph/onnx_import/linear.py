"""Products with a constant matrix become ``linear`` with a stored weight: they are layers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import Tensor

from qcore.graph.onnx_import.ops_layer import LINEAR
from qcore.graph.onnx_import.step import Step
from qcore.graph.onnx_import.values import Value, tensor_of


class Linears:
    """Rewrites steps in place of ``steps``; ``origin`` maps a new constant to the one it is of."""

    def __init__(self, steps: list[Step], constants: dict[str, Value], outputs: list[str]) -> None:
        self.constants = constants
        self.origin: dict[str, str] = {}
        self._made: dict[tuple[Any, ...], str] = {}
        self._reads = Counter(name for step in steps for name in step.inputs)
        self._reads.update(outputs)
        self._readers = {name: step for step in steps for name in step.inputs}
        self._gone: set[int] = set()
        self.steps = [self._rewritten(step) for step in steps]
        self.steps = [step for step in self.steps if id(step) not in self._gone]

    def _rewritten(self, step: Step) -> Step:
        if step.op not in ("MatMul", "Gemm") or step.inputs[0] in self.constants:
            return step
        weight = self.constants.get(step.inputs[1])
        if not isinstance(weight, Tensor) or weight.dim() != 2 or not weight.is_floating_point():
            return step
        return self._gemm(step, weight) if step.op == "Gemm" else self._product(step, weight)

    def _gemm(self, step: Step, weight: Tensor) -> Step:
        alpha, transposed = step.get("alpha", 1.0), step.flag("transB")
        width = weight.shape[0 if transposed else 1]
        inputs = list(step.inputs)
        if step.flag("transA"):
            return step
        if len(inputs) > 2 and inputs[2]:
            bias = self._bias(inputs[2], width, step.get("beta", 1.0))
            if bias is None:
                return step
            inputs[2] = bias
        matrix = weight if transposed else weight.t()
        key = (inputs[1], transposed, alpha)
        if not transposed or alpha != 1.0:
            inputs[1] = self._new(key, inputs[1], matrix * alpha if alpha != 1.0 else matrix)
        return self._linear(step, inputs, step.outputs)

    def _bias(self, name: str, width: int, beta: float) -> str | None:
        """The name of a bias of shape (width,), None where the addend is something else."""
        value = self.constants.get(name)
        if value is None:
            return None
        addend = tensor_of(value)
        if not addend.is_floating_point():
            return None
        shape = tuple(addend.shape)
        if shape not in ((width,), (1, width), (1,), (), (1, 1)):
            return None
        if shape == (width,) and beta == 1.0 and isinstance(value, Tensor):
            return name
        return self._new((name, width, beta), name, addend.reshape(-1).expand(width) * beta)

    def _product(self, step: Step, weight: Tensor) -> Step:
        name = self._new((step.inputs[1], False, 1.0), step.inputs[1], weight.t())
        inputs, outputs = [step.inputs[0], name], step.outputs
        adder = self._readers.get(outputs[0])
        if adder is not None and adder.op == "Add" and self._reads[outputs[0]] == 1:
            other = next(n for n in adder.inputs if n != outputs[0])
            addend = self.constants.get(other)
            if isinstance(addend, Tensor) and tuple(addend.shape) == (weight.shape[1],):
                self._gone.add(id(adder))
                inputs, outputs = [*inputs, other], adder.outputs
        return self._linear(step, inputs, outputs)

    def _linear(self, step: Step, inputs: list[str], outputs: tuple[str, ...]) -> Step:
        return Step(LINEAR, step.name, tuple(inputs), outputs, opset=step.opset, scope=step.scope)

    def _new(self, key: tuple[Any, ...], source: str, value: Tensor) -> str:
        if key not in self._made:
            # No file can hold this name: its own names were all taken in before.
            name = source + "'"
            while name in self.constants:
                name += "'"
            self.constants[name] = value.detach().contiguous().to(torch.float32)
            self.origin[name] = source
            self._made[key] = name
        return self._made[key]
