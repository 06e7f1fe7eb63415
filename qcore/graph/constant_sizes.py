"""How large the constants of a network may become when they are computed at load.

A file of some kilobytes can ask for one value repeated a thousand million times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, fx
from torch._ops import OpOverload
from torch.utils._pytree import tree_leaves

from qcore.errors import BadInput

LARGEST_BYTES = 256 << 20
"""Of one computed constant, and of all of them where a network stores little."""
GROWTH = 4
"""All computed constants may be this many times as large as what is stored."""


class Budget:
    """What computed constants have taken so far of what they may take.

    A view takes nothing, unless it shows more values than there are: whatever reads it writes
    them out. Values are to be kept while the budget is in use.
    """

    def __init__(self, stored: Mapping[str, Tensor]) -> None:
        sizes = [_bytes(tensor) for tensor in stored.values()]
        self._total = max(LARGEST_BYTES, GROWTH * sum(sizes))
        self._largest = max(LARGEST_BYTES, *sizes, 0)
        self._taken = 0
        self._seen = {tensor.untyped_storage().data_ptr() for tensor in stored.values()}

    def expect(self, node: fx.Node) -> None:
        """BadInput where what was traced says that the result is too large; nothing is taken."""
        returns = node.target._schema.returns if isinstance(node.target, OpOverload) else ()
        size = sum(_bytes(tensor) for tensor in _tensors(node.meta.get("val")))
        self._check(node, size, 0 if any(r.alias_info for r in returns) else size)

    def spend(self, node: fx.Node, value: Any) -> None:
        """Take the size of a result. BadInput where it is too large."""
        for tensor in _tensors(value):
            storage, size = tensor.untyped_storage(), _bytes(tensor)
            new = storage.data_ptr() not in self._seen or size > storage.nbytes()
            self._check(node, size, size if new else 0)
            self._taken += size if new else 0
            self._seen.add(storage.data_ptr())

    def _check(self, node: fx.Node, size: int, new: int) -> None:
        if size > self._largest:
            raise BadInput(
                f"constant {node.name!r} that this network computes would take "
                f"{size >> 20:,} MB; at most {self._largest >> 20:,} MB are allowed: "
                "export the network without it"
            )
        if self._taken + new > self._total:
            raise BadInput(
                f"the constants that this network computes would take more than "
                f"{self._total >> 20:,} MB (at {node.name!r}); export the network with its "
                "constants stored"
            )


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def _bytes(tensor: Tensor) -> int:
    """As if it held every value that it shows; 0 where a size is not known."""
    if not all(isinstance(size, int) for size in tensor.shape):
        return 0
    return math.prod(tensor.shape) * tensor.element_size()
