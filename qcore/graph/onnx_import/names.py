"""What the tensors of a file are called in the module: their own names as far as possible."""

from __future__ import annotations

import re
from collections.abc import Iterable

from torch import nn

from qcore.graph.onnx_import.ops_layer import LINEAR
from qcore.graph.onnx_import.step import Step

_PLAIN = re.compile(r"(?=.*[A-Za-z])[\w-]+(\.[\w-]+)*", re.ASCII)
_ANONYMOUS = re.compile(r"(val|v|node|tensor|constant|const|initializer)?_?\d+|constant.*", re.I)
_LONGEST, _DEEPEST = 200, 16
_RESERVED = frozenset(dir(nn.Module())) | {"_steps"}

LAYER_ROLES: dict[str, dict[int, str]] = {
    "Conv": {1: "weight", 2: "bias"},
    "ConvTranspose": {1: "weight", 2: "bias"},
    LINEAR: {1: "weight", 2: "bias"},
    "BatchNormalization": {1: "weight", 2: "bias", 3: "running_mean", 4: "running_var"},
    "InstanceNormalization": {1: "weight", 2: "bias"},
    "LayerNormalization": {1: "weight", 2: "bias"},
    "GroupNormalization": {1: "weight", 2: "bias"},
    "PRelu": {1: "weight"},
}
STATISTICS = ("running_mean", "running_var")


def is_plain(name: str) -> bool:
    """True for a name that can stand as it is and that says something."""
    fits = len(name) <= _LONGEST and name.count(".") < _DEEPEST
    return bool(fits and _PLAIN.fullmatch(name) and not _ANONYMOUS.fullmatch(name))


def roles(steps: Iterable[Step]) -> dict[str, tuple[Step, int, str]]:
    """Constant name -> the first step that reads it as a weight, where, and what it is there."""
    found: dict[str, tuple[Step, int, str]] = {}
    for step in steps:
        for slot, role in LAYER_ROLES.get(step.op, {}).items():
            if slot < len(step.inputs) and step.inputs[slot]:
                found.setdefault(step.inputs[slot], (step, slot, role))
    return found


class Namer:
    """Keys for a state dict: unique, ASCII, and no attribute of a module."""

    def __init__(self) -> None:
        self._tensors: set[str] = set()
        self._boxes: set[str] = set()
        self._count: dict[str, int] = {}

    def key(self, wanted: str) -> str:
        """``wanted`` made fit for a key; names that would become equal stay distinct."""
        parts = [self._part(part) for part in wanted[:_LONGEST].split(".")]
        if len(parts) > _DEEPEST:
            parts = ["_".join(parts)]
        base = ".".join(parts)
        if self._under_a_tensor(base):
            base = "_".join(parts)
        key, i = base, self._count.get(base, 1)
        while not self._free(key):
            i += 1
            key = f"{base}_{i}"
        self._count[base] = i
        self._tensors.add(key)
        pieces = key.split(".")
        self._boxes.update(".".join(pieces[:n]) for n in range(1, len(pieces)))
        return key

    def _free(self, key: str) -> bool:
        return key not in self._tensors and key not in self._boxes

    def _under_a_tensor(self, key: str) -> bool:
        pieces = key.split(".")
        return any(".".join(pieces[:n]) in self._tensors for n in range(1, len(pieces)))

    @staticmethod
    def _part(part: str) -> str:
        clean = re.sub(r"[^\w-]+", "_", part, flags=re.ASCII) or "unnamed"
        return clean + "_" if clean in _RESERVED else clean


def wanted_name(
    own: str,
    role: tuple[Step, int, str] | None,
    origin: dict[str, str],
    shared: set[str],
    number: int,
) -> str:
    """The name a constant should have: its own, its partner's, its operator's, or a number.

    ``own`` is the name in the file. A partner in ``shared`` says nothing: exporters store equal
    biases of different layers once. Example: a weight ``onnx::MatMul_345`` beside the bias
    ``fc.bias`` is ``fc.weight``.
    """
    if is_plain(own):
        return own
    if role is not None:
        step, slot, word = role
        for other, partner_word in LAYER_ROLES[step.op].items():
            partner = step.inputs[other] if other < len(step.inputs) else ""
            stored = origin.get(partner, partner)
            usable = other != slot and partner not in shared and is_plain(stored)
            if usable and stored.endswith(partner_word):
                return stored.removesuffix(partner_word) + word
        base = step.scope or step.name.strip("/").replace("/", ".")
        return f"{base or step.op.rpartition('.')[2].lower() + f'_{number}'}.{word}"
    clean = own.strip("/").replace("/", ".").replace("::", "_")
    return clean if clean and not clean[0].isdigit() else f"constant_{clean or number}"
