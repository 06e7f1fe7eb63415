"""The cells of a table of figures: what each column takes, and what is wrong with a cell."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware.model import MOST_IMAGES
from qcore.hardware.own_table import LayerShape, TableEntry, without_ones
from qcore.hardware.pair import BitPair
from qcore.quantize.limits import MAX_BITS

FULL_PRECISION = "fp32"
"""How a table writes a width of None."""

_SHAPE = ("op", "weight_shape", "output_shape", "groups")
_BITS = ("weight_bits", "activation_bits")
_FIGURES = ("ms", "mJ")
_NAMES = ("layer", *_SHAPE, *_BITS, *_FIGURES, "batch")

_LONGEST_NAME = 1_000
_LARGEST_SIZE = 10**9
_MOST_SIZES = 8
_LARGEST_FIGURE = 1e12
_WHOLE = re.compile(r"[0-9]{1,10}")
_FIGURE = re.compile(r"\+?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_COMMA = re.compile(r"[0-9]*,[0-9]+")

T = TypeVar("T")


@dataclass(frozen=True)
class Columns:
    """The header: names in the order of the cells."""

    names: tuple[str, ...]

    @property
    def by_shape(self) -> bool:
        return "op" in self.names


@dataclass(frozen=True)
class KnownLayers:
    """The layers that a table may name; ``names`` is None where any will do."""

    names: frozenset[str] | None
    suggests: bool = True
    """Looking for the nearest name takes long in a table with many wrong lines."""

    @staticmethod
    def of(network: Description | None) -> KnownLayers:
        names = None if network is None else frozenset(layer.name for layer in network.layers)
        return KnownLayers(names)

    def named(self, name: str, cell: str) -> str:
        """The layer that a cell names. Raises ValueError for an unknown one, with the nearest."""
        layer = _text(name, cell)
        if self.names is not None and layer not in self.names:
            near = f"the nearest is {_nearest(layer, self.names)!r}" if self.suggests else ""
            raise ValueError(f"there is no layer {layer[:60]!r}; {near or 'give another name'}")
        return layer


def read_columns(header: list[str]) -> Columns:
    """The columns of a header. Raises BadInput for an unknown one, one twice, or a missing one."""
    header = _without_trailing(header, 0)
    wanted = f"line 1 names the columns: layer, {', '.join(_BITS)}, and ms, mJ or both"
    for name in header:
        if not name:
            raise BadInput(f"the table has a column without a name; name it. {wanted}")
        if name not in _NAMES:
            near = _nearest(name, _NAMES)
            raise BadInput(f"the table has a column {name[:40]!r}; did you mean {near!r}? {wanted}")
        if header.count(name) > 1:
            raise BadInput(f"the table has two columns {name!r}; keep one")
    if "layer" in header and (extra := next((n for n in _SHAPE if n in header), None)):
        raise BadInput(
            f"the table has the columns 'layer' and {extra!r}; give layers by name, or by "
            f"{', '.join(_SHAPE)}"
        )
    by = _SHAPE if any(name in header for name in _SHAPE) else ("layer",)
    missing = [name for name in (*by, *_BITS) if name not in header]
    if missing:
        raise BadInput(f"the table has no column {missing[0]!r}; {wanted}")
    if not any(name in header for name in _FIGURES):
        raise BadInput(f"the table has neither ms nor mJ; {wanted}")
    return Columns(tuple(header))


def read_entry(
    cells: list[str], columns: Columns, known: KnownLayers
) -> tuple[TableEntry | None, int | None, list[str]]:
    """The entry of a line, its batch, and everything that is wrong with it."""
    cells = _without_trailing(cells, len(columns.names))
    if len(cells) != len(columns.names):
        words = f"{len(cells)} cells under {len(columns.names)} columns"
        return None, None, [f"{words}; write numbers with a point, and names with commas in quotes"]
    row = _Row(dict(zip(columns.names, cells, strict=True)))
    layer = _shape(row) if columns.by_shape else row.read(known.named, "layer")
    pair = BitPair(*(row.read(_bits, name) for name in _BITS))
    figures = {name: row.read(_figure, name) for name in _FIGURES if name in columns.names}
    batch = row.read(_batch, "batch") if "batch" in columns.names else None
    if row.problems or layer is None:
        return None, batch, row.problems
    return TableEntry(layer, pair, figures.get("ms"), figures.get("mJ")), batch, []


@dataclass
class _Row:
    """One line: its cells by column, and what was found wrong."""

    cells: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def read(self, parse: Callable[[str, str], T], name: str) -> T | None:
        """The cell's value; None, and a problem noted, where it is wrong."""
        try:
            return parse(name, self.cells[name])
        except ValueError as error:
            self.problems.append(str(error))
            return None


def _shape(row: _Row) -> LayerShape | None:
    op = row.read(_text, "op")
    weight, output = row.read(_sizes, "weight_shape"), row.read(_sizes, "output_shape")
    groups = row.read(_positive, "groups")
    if op is None or weight is None or output is None or groups is None:
        return None
    return LayerShape(op, weight, without_ones(output), groups)


def _text(name: str, cell: str) -> str:
    if not cell or len(cell) > _LONGEST_NAME or not cell.isprintable():
        raise ValueError(f"{name} is {cell[:40]!r}; give a name of 1 to {_LONGEST_NAME:,} signs")
    return cell


def _positive(name: str, cell: str) -> int:
    if not _WHOLE.fullmatch(cell) or not 1 <= int(cell) <= _LARGEST_SIZE:
        raise ValueError(f"{name} is {cell[:40]!r}; give a whole number of at least 1")
    return int(cell)


def _sizes(name: str, cell: str) -> tuple[int, ...]:
    parts = re.split(r" *[x×] *| +", cell)
    try:
        sizes = tuple(_positive(name, part) for part in parts[: _MOST_SIZES + 1])
    except ValueError:
        sizes = ()
    if not 1 <= len(sizes) <= _MOST_SIZES:
        raise ValueError(f"{name} is {cell[:40]!r}; write sizes as 32x16x3x3")
    return sizes


def _bits(name: str, cell: str) -> int | None:
    if cell.lower() == FULL_PRECISION:
        return None
    if not _WHOLE.fullmatch(cell) or not 1 <= int(cell) <= MAX_BITS:
        raise ValueError(f"{name} is {cell[:40]!r}; give 1 to {MAX_BITS}, or {FULL_PRECISION}")
    return int(cell)


def _figure(name: str, cell: str) -> float | None:
    if not cell:
        return None
    if _COMMA.fullmatch(cell):
        raise ValueError(f"{name} is {cell[:40]!r} with a comma; write {cell.replace(',', '.')}")
    if not _FIGURE.fullmatch(cell) or not float(cell) <= _LARGEST_FIGURE:
        raise ValueError(f"{name} is {cell[:40]!r}; give a number from 0 to {_LARGEST_FIGURE:g}")
    return float(cell)


def _batch(name: str, cell: str) -> int:
    images = _positive(name, cell)
    if images > MOST_IMAGES:
        raise ValueError(f"{name} is {images}; give at most {MOST_IMAGES:,}")
    return images


def _without_trailing(cells: list[str], least: int) -> list[str]:
    """Without the empty cells at the end that spreadsheets write, but ``least`` cells."""
    count = len(cells)
    while count > least and not cells[count - 1]:
        count -= 1
    return cells[:count]


def _nearest(name: str, known: Iterable[str]) -> str:
    """The most alike of ``known``, whatever the case of the letters."""
    by_lower = {one.lower(): one for one in sorted(known)}
    return by_lower[difflib.get_close_matches(name.lower()[:200], by_lower, 1, cutoff=0.0)[0]]
