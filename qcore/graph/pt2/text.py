"""The text that a .pt2 file consists of: bounded JSON, and names that are nothing but names."""

from __future__ import annotations

import json
import keyword
import re
from typing import Any, NoReturn

_DEPTH = 40
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,1999}", re.ASCII)
_PATH_PART = re.compile(r"(?!__)[A-Za-z0-9_-]{1,1000}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9_ .:/+-]{1,200}", re.ASCII)
# What the code that torch.fx generates calls its own; an argument of that name would hide it.
_TAKEN = frozenset(
    [
        "self",
        "torch",
        "builtins",
        "operator",
        "math",
        "device",
        "inf",
        "nan",
        "NoneType",
        "None",
        "fx_pytree",
        "pytree",
        "_operator",
        "args",
        "kwargs",
        "super",
        "getattr",
    ]
)


class Refused(ValueError):
    """Why a file is refused: the rest of a sentence that begins with the file's name."""


def parse_json(data: bytes | str, what: str) -> Any:
    """JSON of bounded depth without duplicate keys or the words NaN and Infinity."""
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
        tree = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_unique)
        _check_depth(tree)
    except (ValueError, RecursionError) as error:
        reason = str(error)[:120] if isinstance(error, ValueError) else "nested too deeply"
        raise Refused(f"has {what} that is no proper JSON ({reason}); save it again") from error
    return tree


def check_name(name: str) -> str:
    """An identifier for a value of the graph. torch.fx writes it into Python source."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in _TAKEN:
        raise Refused(
            f"calls a value {_shown(name)}, which is no plain name; rename it and export again"
        )
    return name


def check_path(path: str) -> str:
    """A dotted path of a module or tensor. torch.fx writes it into Python source."""
    if len(path) > 1000 or not all(_PATH_PART.fullmatch(part) for part in path.split(".")):
        raise Refused(
            f"calls a tensor {_shown(path)}, which is no plain dotted name; "
            "rename it and export again"
        )
    return path


def check_key(key: str | int) -> str | int:
    """A key of a dict of inputs or outputs. torch writes it into the text of its guards."""
    if isinstance(key, bool) or not (isinstance(key, int) or _KEY.fullmatch(key)):
        raise Refused(f"has a dict with the key {_shown(key)}; use plain words as keys")
    return key


def check_string(text: str) -> str:
    """A string argument of an operator ('same', 'bilinear', an einsum equation)."""
    if len(text) > 500 or not text.isascii() or not text.isprintable():
        raise Refused(f"gives an operator the text {_shown(text)}; export the network without it")
    return text


def _shown(value: object) -> str:
    return ascii(value)[:100]


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"the word {word}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _check_depth(tree: Any) -> None:
    level = [tree]
    for _ in range(_DEPTH):
        level = [
            child
            for one in level
            if isinstance(one, dict | list)
            for child in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return
    raise ValueError("nested too deeply")
