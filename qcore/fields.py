"""Fields of a JSON object, read strictly.

Each function raises KeyError where the field is missing, and ValueError that names it where its
value is of another kind: a file that somebody edited is refused whole, never half understood.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def text(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    if not isinstance(value, str):
        raise _wrong(name, value, "a text")
    return value


def text_or_none(data: Mapping[str, Any], name: str) -> str | None:
    return None if data[name] is None else text(data, name)


def whole(data: Mapping[str, Any], name: str, least: int = 0) -> int:
    """A whole number, not below ``least``."""
    value = data[name]
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise _wrong(name, value, f"a whole number of at least {least}")
    return value


def number(data: Mapping[str, Any], name: str) -> float:
    """A finite number."""
    value = data[name]
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong(name, value, "a number")
    try:
        number = float(value)
    except OverflowError:  # of a whole number of hundreds of digits
        raise _wrong(name, "so large a value", "a number") from None
    if not math.isfinite(number):
        raise _wrong(name, value, "a number")
    return number


def number_or_none(data: Mapping[str, Any], name: str) -> float | None:
    return None if data[name] is None else number(data, name)


def wholes(data: Mapping[str, Any], name: str, least: int = 0) -> tuple[int, ...]:
    """A list, not empty, of whole numbers."""
    value = entries(data, name)
    return tuple(whole({name: one}, name, least) for one in value)


def sizes(data: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """A shape: a list of positive whole numbers, empty for one value."""
    value = data[name]
    if not isinstance(value, list | tuple):
        raise _wrong(name, value, "a shape")
    return tuple(whole({name: one}, name, 1) for one in value)


def texts(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """A list, not empty, of texts."""
    return tuple(text({name: one}, name) for one in entries(data, name))


def entries(data: Mapping[str, Any], name: str) -> list[Any] | tuple[Any, ...]:
    """A list that is not empty."""
    value = data[name]
    if not isinstance(value, list | tuple) or not value:
        raise _wrong(name, value, "a list with entries")
    return value


def table(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object."""
    value = data[name]
    if not isinstance(value, Mapping):
        raise _wrong(name, value, "an object")
    return value


def _wrong(name: str, value: object, kind: str) -> ValueError:
    return ValueError(f"{name!r} is {str(value)[:40]!r}, not {kind}")
