"""JSON from a file made to be exactly what the schema says, or refused by name."""

from __future__ import annotations

from typing import Any

from qcore.graph.pt2.schema import INT_SETS, KNOWN_BUT_REFUSED, RECORDS, UNIONS
from qcore.graph.pt2.text import Refused

_INT_LIMIT = 2**63
_FLOAT_WORDS = ("Infinity", "-Infinity", "NaN")


def typed(data: Any, kind: str) -> Any:
    """A copy of ``data`` that is exactly of ``kind``; Refused, by name, for all that is not."""
    if kind.endswith("?"):
        return None if data is None else typed(data, kind[:-1])
    if kind.startswith("["):
        return [typed(one, kind[1:-1]) for one in _want(data, list, kind)]
    if kind.startswith("{"):
        entries = _want(data, dict, kind)
        return {key: typed(value, kind[1:-1]) for key, value in entries.items()}
    if kind in RECORDS:
        return _record(_want(data, dict, kind), kind)
    return _union(_want(data, dict, kind), kind) if kind in UNIONS else _plain(data, kind)


def _record(data: dict[str, Any], kind: str) -> dict[str, Any]:
    fields = RECORDS[kind]
    _no_others(data, fields, kind)
    missing = [name for name, of in fields.items() if name not in data and not of.endswith("?")]
    if missing:
        raise Refused(f"lacks {missing[0]!r} in its {kind}; save it again with torch 2.13")
    return {name: typed(data[name], of) for name, of in fields.items() if name in data}


def _union(data: dict[str, Any], kind: str) -> dict[str, Any]:
    _no_others(data, UNIONS[kind], kind)
    if len(data) != 1:
        raise Refused(f"has a {kind} of {len(data)} kinds; save it again with torch 2.13")
    return {name: typed(value, UNIONS[kind][name]) for name, value in data.items()}


def _plain(data: Any, kind: str) -> Any:
    if kind in INT_SETS:
        if type(data) is not int or data not in INT_SETS[kind]:
            wanted = "memory layout: strided" if kind == "strided" else kind
            raise Refused(f"has {_shown(data)} where a known {wanted} is wanted; save it again")
        return data
    if kind == "float":
        if type(data) is str and data in _FLOAT_WORDS:
            return data
        return float(_int(data)) if type(data) is int else _want(data, float, kind)
    return _int(data) if kind == "int" else _want(data, {"str": str, "bool": bool}[kind], kind)


def _int(data: Any) -> int:
    number: int = _want(data, int, "int")
    if not -_INT_LIMIT <= number < _INT_LIMIT:
        raise Refused(f"has the number {_shown(number)}, which does not fit 64 bits; save it again")
    return number


def _want(data: Any, wanted: type, kind: str) -> Any:
    if type(data) is not wanted:
        raise Refused(f"has {_shown(data)} where {kind} is wanted; save it again")
    return data


def _no_others(data: dict[str, Any], known: dict[str, str], kind: str) -> None:
    for name in data:
        if name in KNOWN_BUT_REFUSED and name not in known:
            raise Refused(f"has {KNOWN_BUT_REFUSED[name]}; export the network without it")
        if name not in known:
            raise Refused(
                f"has {_shown(name)} in its {kind}, which is not known here; "
                "save it again with torch 2.13"
            )


def _shown(value: object) -> str:
    return ascii(value)[:80]
