"""How large the constants of a network may become when they are computed at load.

A file of some kilobytes can ask for one value repeated a thousand million times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from torch import Tensor, fx
from torch.utils._pytree import tree_leaves

from qcore.errors import BadInput

LARGEST_BYTES = 256 << 20
"""Of one computed constant, and of all of them where a network stores little."""
GROWTH = 4
"""All computed constants may be this many times as large as what is stored."""


class Budget:
    """What computed constants have taken so far of what they may take."""

    def __init__(self, stored: Mapping[str, Tensor]) -> None:
        stored_bytes = sum(_bytes(tensor) for tensor in stored.values())
        self._total = max(LARGEST_BYTES, GROWTH * stored_bytes)
        self._largest = max(LARGEST_BYTES, *(_bytes(t) for t in stored.values()), 0)
        self._taken = 0

    def expect(self, node: fx.Node) -> None:
        """BadInput where what was traced says that the result is too large; nothing is taken."""
        self._check(node, _bytes_of(node.meta.get("val")))

    def spend(self, node: fx.Node, value: Any) -> None:
        """Take the size of a result. BadInput where it is too large."""
        size = _bytes_of(value)
        self._check(node, size)
        self._taken += size

    def _check(self, node: fx.Node, size: int) -> None:
        if size > self._largest:
            raise BadInput(
                f"constant {node.name!r} that this network computes would take "
                f"{size >> 20:,} MB; at most {self._largest >> 20:,} MB are allowed: "
                "export the network without it"
            )
        if self._taken + size > self._total:
            raise BadInput(
                f"the constants that this network computes would take more than "
                f"{self._total >> 20:,} MB (at {node.name!r}); export the network with its "
                "constants stored"
            )


def _bytes_of(value: Any) -> int:
    """Of every tensor in a result; sizes that are not known count as nothing."""
    return sum(_bytes(leaf) for leaf in tree_leaves(value) if isinstance(leaf, Tensor))


def _bytes(tensor: Tensor) -> int:
    # As if it held every value: expanded ones are written out by whatever reads them.
    if not all(isinstance(size, int) for size in tensor.shape):
        return 0
    return math.prod(tensor.shape) * tensor.element_size()
