"""``--pin`` and ``--group`` of the commands that choose bits."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from qcore.errors import BadInput

if TYPE_CHECKING:
    from qcore.sensitivity.config import Width
    from qcore.sensitivity.table import SensitivityTable


def pins_and_groups(
    arguments: argparse.Namespace, table: SensitivityTable
) -> tuple[dict[str, Width], tuple[tuple[int, ...], ...]]:
    """Layer -> its width, and the places of layers that agree. Raises BadInput."""
    pins = unique(arguments.pin, "pin")
    groups = [names.split(",") for names in arguments.group]
    indices = tuple(_group(names, table) for names in groups)
    _check_groups(groups, pins)
    return pins, indices


def unique(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    """The pairs by name. BadInput for a name that is given twice."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise BadInput(f"{what} {name!r} is given twice; give it once")
        result[name] = value
    return result


def _group(names: list[str], table: SensitivityTable) -> tuple[int, ...]:
    known = [layer.name for layer in table.network.layers]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(f"no layer is called {unknown[0]!r}; describe lists the names")
    return tuple(known.index(name) for name in names)


def _check_groups(groups: list[list[str]], pins: dict[str, Width]) -> None:
    """BadInput for a layer in two groups, and for pins that a group cannot keep."""
    every = [name for group in groups for name in group]
    twice = next((name for name in every if every.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"layer {twice!r} is in two groups, or twice in one; name it once")
    for group in groups:
        pinned = {name: pins[name] for name in group if name in pins}
        if len(set(pinned.values())) > 1:
            raise BadInput(f"{' and '.join(pinned)} are one group and pinned to different bits")
