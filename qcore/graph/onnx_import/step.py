"""One operator of the graph, ready to run."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

import onnx

from qcore.errors import BadInput
from qcore.graph.onnx_import.values import is_symbolic


@dataclass(eq=False)
class Step:
    """A node: which values it reads and writes, by name; '' stands for an absent one.

    ``seen`` is the shape of input 0 at the batch size a file is fixed to, None where the batch
    may vary, and ``target`` the shape that was asked for there: where the same one is asked for at
    another batch size, it was written for the file's, and must follow. ``drop`` are
    values that nothing reads later; ``scope`` is the module that the exporter named.
    """

    op: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    opset: int = 17
    seen: tuple[int, ...] | None = None
    target: list[Any] | None = None
    batch: int | None = None
    drop: tuple[str, ...] = ()
    scope: str = ""

    def get(self, key: str, default: Any = None) -> Any:
        return self.attributes.get(key, default)

    def written_for_batch(self, target: list[Any]) -> bool:
        """True where ``target`` did not change with the batch although the input may have."""
        return (
            self.seen is not None
            and not any(is_symbolic(t) for t in target)
            and (target == self.target)
        )

    def flag(self, key: str, default: int = 0) -> bool:
        return bool(self.attributes.get(key, default))

    def integers(self, key: str) -> list[int] | None:
        """A list attribute, None where it is absent. Raises BadInput for anything else."""
        value = self.attributes.get(key)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, int) for item in value):
            raise BadInput(f"attribute {key} of {self.op} is not a list of whole numbers")
        return list(value)


def scope_of(node: onnx.NodeProto) -> str:
    """The module a node was exported from, as the metadata of torch or the node's name tells.

    Example: ``/layer1/layer1.0/conv1/Conv`` is ``layer1.0.conv1``. '' where neither tells.
    """
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes" and len(entry.value) < 10_000:
            try:
                scopes = ast.literal_eval(entry.value)
            except (ValueError, SyntaxError, RecursionError, MemoryError):
                continue
            if isinstance(scopes, list) and len(scopes) > 1:
                return str(scopes[-2])
    parts: list[str] = []
    for element in [e for e in node.name.split("/") if e][:-1]:
        if parts and element.startswith(parts[-1] + "."):
            parts[-1] = element
        else:
            parts.append(element)
    return ".".join(parts)
