"""The dialled state as query parameters, and back: a link shows the same screen."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from qcore.allocate.costs import BUDGETS
from qcore.sensitivity.config import Width
from ui.allocation.dialled import MOST_KEPT, Dialled, FromSearch, Kept, Method
from ui.allocation.digits import read_digits, read_widths, write_digits, write_widths

PARAMETERS = ("budget", "also", "hardware", "input_bits", "method", "pins", "kept")
"""All of them."""

T = TypeVar("T")

_BETWEEN = ":"  # name and value
_NEXT = ","
_SEARCH = "search:"
_JOB = re.compile(r"[0-9a-f]{32}")
_MOST = 1e18  # no budget of a network is larger, in any unit
_DIALS = tuple(name for name in BUDGETS if name != "loss")


@dataclass(frozen=True)
class Scope:
    """What can be chosen: layers in running order, widths of the table, hardware, bits of inputs
    (none where the table has its own). ``found`` is true of the id of a search job that found bits
    per kernel for this network."""

    layers: tuple[str, ...]
    widths: tuple[Width, ...]
    hardware: tuple[str, ...]
    inputs: tuple[int, ...]
    methods: tuple[Method, ...] = ("ilp", "interaction")
    found: Callable[[str], bool] = lambda job: False

    @property
    def bits(self) -> tuple[int, ...]:
        """Weight bits that a layer can be pinned to."""
        return tuple(dict.fromkeys(width.bits for width in self.widths))

    def can_keep(self, width: Width) -> bool:
        """True of widths that some problem of this table has."""
        if width in self.widths:
            return True
        return Width(width.bits) in self.widths and width.activation_bits in self.inputs


def to_query(dialled: Dialled, scope: Scope) -> dict[str, str | None]:
    """Every parameter's text, None where it is left out because it is the default."""
    pins = dict(dialled.pins)
    budget = dialled.budget
    if dialled.value is not None:
        budget += f"{_BETWEEN}{dialled.value!r}"
    return {
        "budget": None if budget == Dialled().budget else budget,
        "also": None if dialled.second is None else f"{dialled.second[0]}:{dialled.second[1]!r}",
        "hardware": dialled.hardware,
        "input_bits": None if dialled.inputs is None else str(dialled.inputs),
        "method": None if dialled.method == "ilp" else dialled.method,
        "pins": write_digits([pins.get(name) for name in scope.layers]) if pins else None,
        "kept": _NEXT.join(map(_word, dialled.kept)) or None,
    }


@dataclass
class _Reader:
    """Collects what was not understood."""

    query: Mapping[str, str]
    ignored: list[str] = field(default_factory=list)

    def take(self, name: str, read: Callable[[str], T | None]) -> T | None:
        text = self.query.get(name)
        if not text:
            return None
        found = read(text)
        if found is None:
            self.ignored.append(name)
        return found


def read_query(query: Mapping[str, str], scope: Scope) -> tuple[Dialled, tuple[str, ...]]:
    """The state that a link asks for, and the parameters that are not understood or do not belong
    to this table: those are left out."""
    reader = _Reader(query)
    budget = reader.take("budget", _budget)
    second = reader.take("also", _limited)
    hardware = reader.take("hardware", lambda text: text if text in scope.hardware else None)
    inputs = reader.take("input_bits", lambda text: _among(text, scope.inputs))
    method: Method | None = reader.take("method", lambda text: _method(text, scope))
    pins = reader.take("pins", lambda text: _pins(text, scope))
    kept = reader.take("kept", lambda text: _kept(text, scope))
    name, value = budget or (Dialled().budget, None)
    if second is not None and second[0] == name:
        reader.ignored.append("also")
        second = None
    there = tuple(one for one in kept or () if _is_there(one, scope))
    if len(there) < len(kept or ()):
        reader.ignored.append("kept")
    state = Dialled(name, value, second, hardware, inputs, pins=pins or (), kept=there)
    return replace(state, method=method or "ilp"), tuple(reader.ignored)


def _budget(text: str) -> tuple[str, float | None] | None:
    return (text, None) if text in _DIALS else _limited(text)


def _limited(text: str) -> tuple[str, float] | None:
    name, _, number = text.partition(_BETWEEN)
    try:
        value = float(number)
    except ValueError:
        return None
    return (name, value) if name in _DIALS and 0 < value <= _MOST else None


def _among(text: str, numbers: tuple[int, ...]) -> int | None:
    return next((n for n in numbers if str(n) == text), None)


def _method(text: str, scope: Scope) -> Method | None:
    return next((method for method in scope.methods if method == text), None)


def _pins(text: str, scope: Scope) -> tuple[tuple[str, int], ...] | None:
    bits = read_digits(text, len(scope.layers))
    if bits is None or not {b for b in bits if b is not None} <= set(scope.bits):
        return None
    named = zip(scope.layers, bits, strict=True)
    return tuple(sorted((name, pin) for name, pin in named if pin is not None))


def _kept(text: str, scope: Scope) -> tuple[Kept, ...] | None:
    """All of them or none: a configuration that is missing would change what is compared."""
    found = [_read_word(word, scope) for word in text.split(_NEXT)]
    known = [one for one in found if one is not None]
    if len(known) < len(found) or not 0 < len(found) <= MOST_KEPT or len(set(known)) < len(known):
        return None
    return tuple(known)


def _word(kept: Kept) -> str:
    return _SEARCH + kept.job if isinstance(kept, FromSearch) else write_widths(kept)


def _read_word(word: str, scope: Scope) -> Kept | None:
    if word.startswith(_SEARCH):
        job = word.removeprefix(_SEARCH)
        return FromSearch(job) if _JOB.fullmatch(job) else None
    widths = read_widths(word, len(scope.layers))
    return widths if widths is not None and all(map(scope.can_keep, widths)) else None


def _is_there(kept: Kept, scope: Scope) -> bool:
    """Jobs go, and nobody can bring them back: the other configurations stay."""
    return not isinstance(kept, FromSearch) or scope.found(kept.job)
