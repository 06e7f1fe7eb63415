"""Arrays of float32 inside JSON. Free of torch."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qcore import fields

Floats = npt.NDArray[np.float32]

_MOST_VALUES = 2**28  # 1 GB


def pack(values: Floats) -> dict[str, Any]:
    """``shape``, and ``float32``: the values in C order, little-endian, base64.

    Example: [1.0] is {"shape": [1], "float32": "AACAPw=="}.
    """
    raw = np.ascontiguousarray(values, dtype="<f4").tobytes()
    return {"shape": list(values.shape), "float32": base64.b64encode(raw).decode("ascii")}


def unpack(data: Mapping[str, Any], name: str) -> Floats:
    """The array of that field. KeyError or ValueError unless it is one, whole and finite."""
    packed = fields.table(data, name)
    shape, text = fields.wholes(packed, "shape", 1), fields.text(packed, "float32")
    count = math.prod(shape)
    if count > _MOST_VALUES or len(text) != 4 * math.ceil(4 * count / 3):
        raise ValueError(f"{name!r} does not hold the {count} values of its shape")
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"{name!r} is not base64") from error
    if len(raw) != 4 * count:
        raise ValueError(f"{name!r} does not hold the {count} values of its shape")
    values = np.frombuffer(raw, "<f4").astype(np.float32).reshape(shape)
    if not np.isfinite(values).all():
        raise ValueError(f"{name!r} holds NaN or infinite values")
    return values


def unpack_or_none(data: Mapping[str, Any], name: str) -> Floats | None:
    return None if data[name] is None else unpack(data, name)
