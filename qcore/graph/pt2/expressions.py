"""Shape expressions of a .pt2 file, such as ``Mul(Integer(2), Symbol('s77', integer=True))``.

torch gives these strings to ``sympy.sympify`` (``_parse_sym_expr`` in
``torch/_export/serde/serialize.py``, 2.13), which evaluates them as Python. Here they are parsed by
a grammar of calls, integers and symbols, bounded in size, and written anew from what was parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from qcore.graph.pt2.text import Refused

_LENGTH = 4000
_DEPTH = 20
_NODES = 200
_DEGREE = 6
_SYMBOLS = 16
_INT_LIMIT = 2**63
_SYMBOL = re.compile(r"(?:s|u|f|z|zf|zuf)\d{1,4}", re.ASCII)
_TOKEN = re.compile(r"\s*(?:(-?\d{1,19})|([A-Za-z]\w{0,30})|'(\w{1,12})'|([(),=]))", re.ASCII)
_ASSUMPTIONS = frozenset(("integer", "positive", "nonnegative", "real", "finite"))
# The number of arguments that each function takes: (least, most).
_FUNCTIONS = {
    "Add": (2, 32),
    "Mul": (2, 32),
    "Max": (2, 6),
    "Min": (2, 6),
    "And": (2, 6),
    "Or": (2, 6),
    "Not": (1, 1),
    "Mod": (2, 2),
    "PythonMod": (2, 2),
    "FloorDiv": (2, 2),
    "CleanDiv": (2, 2),
    "CeilDiv": (2, 2),
    "IntTrueDiv": (2, 2),
    "FloatTrueDiv": (2, 2),
    "ToFloat": (1, 1),
    "FloorToInt": (1, 1),
    "CeilToInt": (1, 1),
    "TruncToInt": (1, 1),
    "floor": (1, 1),
    "ceiling": (1, 1),
    "Identity": (1, 1),
    "ModularIndexing": (3, 3),
    "Equality": (2, 2),
    "Unequality": (2, 2),
    "LessThan": (2, 2),
    "GreaterThan": (2, 2),
    "StrictLessThan": (2, 2),
    "StrictGreaterThan": (2, 2),
}
_POWERS = ("Pow", "PowByNatural")


@dataclass
class Expressions:
    """Checks the expressions of one file, which may use 16 symbols between them."""

    symbols: set[str] = field(default_factory=set)
    _known: dict[str, str] = field(default_factory=dict)

    def check(self, text: str) -> str:
        """The same expression written anew; Refused where it is not of the grammar."""
        if text not in self._known:
            self._known[text] = _Parser(text, self.symbols).parse()
            if len(self.symbols) > _SYMBOLS:
                raise Refused(
                    f"has more than {_SYMBOLS} free sizes; export it with fewer dynamic dimensions"
                )
        return self._known[text]


def check_symbol(name: str) -> str:
    """The name of a free size, as torch gives them: s0, u12. Refused where it is another."""
    if not _SYMBOL.fullmatch(name):
        raise Refused(f"calls a free size {ascii(name)[:60]}; export it again")
    return name


class _Parser:
    def __init__(self, text: str, symbols: set[str]) -> None:
        self._text, self._symbols = text, symbols
        self._tokens = self._split() if len(text) <= _LENGTH else self._refuse()
        self._at = self._nodes = 0

    def parse(self) -> str:
        written, degree = self._expression(0)
        if self._at != len(self._tokens) or degree > _DEGREE:
            self._refuse()
        return written

    def _split(self) -> list[tuple[str, str]]:
        tokens, at, end = [], 0, len(self._text)
        while at < end:
            match = _TOKEN.match(self._text, at)
            if match is None:
                return self._refuse()
            kind = ("int", "name", "quoted", "mark")[int(match.lastindex or 1) - 1]
            tokens.append((kind, match.group(int(match.lastindex or 1))))
            at = match.end()
        return tokens

    def _expression(self, depth: int) -> tuple[str, int]:
        """What was read, written anew, and its degree as a polynomial in the symbols."""
        self._nodes += 1
        if depth > _DEPTH or self._nodes > _NODES:
            self._refuse()
        kind, word = self._token()
        if kind == "int":
            return self._checked_int(word), 0
        if kind != "name":
            self._refuse()
        if word in ("true", "false"):
            return word, 0
        self._expect("(")
        if word == "Integer":
            number = self._checked_int(self._next("int"))
            self._expect(")")
            return f"Integer({number})", 0
        return self._symbol() if word == "Symbol" else self._call(word, depth)

    def _symbol(self) -> tuple[str, int]:
        name = self._next("quoted")
        if not _SYMBOL.fullmatch(name):
            self._refuse()
        written = f"Symbol('{name}'"
        while self._mark() == ",":
            assumption = self._next("name")
            self._expect("=")
            value = self._next("name")
            if assumption not in _ASSUMPTIONS or value not in ("True", "False"):
                self._refuse()
            written += f", {assumption}={value}"
        self._symbols.add(name)
        return written + ")", 1

    def _call(self, word: str, depth: int) -> tuple[str, int]:
        least, most = (2, 2) if word in _POWERS else _FUNCTIONS.get(word, (1, 0))
        parts = [self._expression(depth + 1)] if most else self._refuse()
        while self._mark() == ",":
            parts.append(self._expression(depth + 1))
        if not least <= len(parts) <= most:
            self._refuse()
        degrees = [degree for _, degree in parts]
        degree = sum(degrees) if word == "Mul" else max(degrees)
        if word in _POWERS:
            degree = self._power(*parts)
        if degree > _DEGREE:
            self._refuse()
        return f"{word}({', '.join(written for written, _ in parts)})", degree

    def _power(self, base: tuple[str, int], exponent: tuple[str, int]) -> int:
        """The exponent is a small plain integer: towers of powers would never end."""
        match = re.fullmatch(r"Integer\((-?\d+)\)|(-?\d+)", exponent[0])
        number = int(match.group(1) or match.group(2)) if match else _DEGREE + 1
        if not -1 <= number <= _DEGREE or base[1] == 0:
            self._refuse()
        return base[1] * max(1, number)

    def _checked_int(self, word: str) -> str:
        return word if abs(int(word)) < _INT_LIMIT else self._refuse()

    def _token(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            self._refuse()
        self._at += 1
        return self._tokens[self._at - 1]

    def _next(self, wanted: str) -> str:
        kind, word = self._token()
        return word if kind == wanted else self._refuse()

    def _mark(self) -> str:
        """The comma or closing parenthesis that follows an argument."""
        mark = self._next("mark")
        return mark if mark in (",", ")") else self._refuse()

    def _expect(self, mark: str) -> None:
        if self._next("mark") != mark:
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise Refused(
            f"has a size written as {ascii(self._text)[:80]}, which is not understood; "
            "export it with plain dynamic dimensions"
        )
