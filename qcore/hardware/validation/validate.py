"""How right the model of a machine is, against what others publish."""

from __future__ import annotations

import functools
from collections.abc import Callable

from qcore.errors import BadInput
from qcore.hardware.validation.bismo import cloud, edge
from qcore.hardware.validation.bitfusion import bitfusion
from qcore.hardware.validation.figures import Validation
from qcore.hardware.validation.operations import operations
from qcore.hardware.validation.roofline import roofline
from qcore.hardware.validation.stripes import stripes

_ROOFLINES = "roofline"

VALIDATIONS: dict[str, Callable[[], Validation]] = {
    "bismo-cloud": cloud,
    "bismo-edge": edge,
    "bitfusion": bitfusion,
    "stripes": stripes,
    "operations": operations,
    _ROOFLINES: roofline,
}


def validate(name: str) -> Validation:
    """Published against modelled figures of a built-in machine; all rooflines share theirs.

    Raises BadInput for a machine that a person brought or measured: nothing is published of it.
    Example: of "bismo-cloud" all 3,392 entries of HAQ's table are exact.
    """
    known = _ROOFLINES if name.startswith(f"{_ROOFLINES}:") else name
    if known not in VALIDATIONS:
        raise BadInput(f"nothing is published that {name!r} could be compared with")
    return _validation(known)


@functools.cache
def _validation(name: str) -> Validation:
    return VALIDATIONS[name]()
