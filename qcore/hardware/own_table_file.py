"""A table of figures as a CSV file that a person made: every wrong line is named."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware.own_table import LayerShape, OwnTable, TableEntry
from qcore.hardware.own_table_cells import (
    FULL_PRECISION,
    Columns,
    KnownLayers,
    read_columns,
    read_entry,
)
from qcore.hardware.pair import BitPair

MOST_CHARACTERS = 5_000_000
_MOST_LINES = 200_000
_LONGEST_HEADER = 10_000
_SHOWN = 10


class WrongLines(BadInput):
    """A table with wrong lines; ``lines`` names every one with what is wrong and what to do."""

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = tuple(lines)
        more = f"; and {len(lines) - _SHOWN:,} more" if len(lines) > _SHOWN else ""
        super().__init__(f"the table is wrong: {'; '.join(lines[:_SHOWN])}{more}")


def read_table_csv(text: str, network: Description | None) -> OwnTable:
    """The table of a CSV file's text, separated by commas, semicolons or tabs.

    Columns are ``layer``, or ``op``, ``weight_shape``, ``output_shape`` and ``groups``;
    ``weight_bits`` and ``activation_bits``, 1 to 16 or fp32; ``ms``, ``mJ`` or both, for a whole
    batch; and ``batch``, if it is not 1, the same on every line. Lines without a figure are left
    out: they do not run. Layers must be the network's, where one is given. Raises ``WrongLines``
    with every wrong line, and BadInput for what is no such table. Example:
    ``"layer,weight_bits,activation_bits,ms\\nconv1,8,8,1.5\\n"``.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadInput(f"the table has over {MOST_CHARACTERS:,} characters; give a smaller one")
    if "\0" in text:
        raise BadInput("the table holds a zero byte, so it is no CSV text; save it as CSV (UTF-8)")
    lines = _Lines()
    rows = _rows(text.removeprefix("\ufeff"), lines)
    _, header = next(rows, (1, []))
    if lines.wrong:
        raise WrongLines(lines.wrong)
    columns = read_columns(header)
    known = KnownLayers.of(network)
    tersely = replace(known, suggests=False)
    for number, cells in rows:
        if number > _MOST_LINES:
            raise BadInput(f"the table has more than {_MOST_LINES:,} lines; give a smaller one")
        lines.read(number, cells, columns, known if len(lines.wrong) < _SHOWN else tersely)
    if lines.wrong:
        raise WrongLines(lines.wrong)
    if not lines.entries:
        raise BadInput("the table has no line with a figure; fill in ms or mJ")
    _check_fits(lines.entries, network)
    return OwnTable(tuple(lines.entries), lines.batch or 1)


def table_template_csv(network: Description, pairs: Sequence[BitPair]) -> str:
    """A table to fill in: a line for every layer and pair, with ms and mJ left empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("layer", "weight_bits", "activation_bits", "ms", "mJ", "batch"))
    for layer in network.layers:
        for pair in pairs:
            if not pair.pruned:
                widths = (pair.weight_bits, pair.activation_bits)
                shown = (FULL_PRECISION if bits is None else bits for bits in widths)
                writer.writerow((layer.name, *shown, "", "", 1))
    return out.getvalue()


@dataclass
class _Lines:
    """What was read so far: entries, and the lines that are wrong."""

    entries: list[TableEntry] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    batch: int | None = None
    first_line: dict[tuple[str | LayerShape, BitPair], int] = field(default_factory=dict)

    def read(self, number: int, cells: list[str], columns: Columns, known: KnownLayers) -> None:
        """One line: an entry, an error, or nothing where it has no figure."""
        entry, batch, problems = read_entry(cells, columns, known)
        if batch is not None:
            self.batch = self.batch or batch
            if batch != self.batch:
                problems.append(f"the batch is {batch}, above it is {self.batch}; give one batch")
        if entry is not None:
            before = self.first_line.setdefault((entry.layer, entry.pair), number)
            if before != number:
                problems.append(
                    f"{str(entry.layer)[:60]!r} at {entry.pair} bits stands on line {before} too; "
                    "remove one"
                )
        if problems:
            self.wrong.append(f"line {number}: {', and '.join(problems)}")
        elif entry is not None and not (entry.latency_ms is None and entry.energy_mj is None):
            self.entries.append(entry)


def _rows(text: str, lines: _Lines) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of every line that is not empty. A line that cannot be taken apart is
    wrong, and so is the end of the table, since nothing after it can be trusted."""
    first = "".join(text.lstrip()[:_LONGEST_HEADER].splitlines()[:1])
    delimiter = max((",", ";", "\t"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            cells = [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            lines.wrong.append(f"line {number}: {error}; mend the quotes, the rest was not read")
            return
        if any(cells):
            yield number, cells


def _check_fits(entries: Sequence[TableEntry], network: Description | None) -> None:
    """BadInput where no line is of a layer of the network."""
    if network is None:
        return
    shapes = {LayerShape.of(layer) for layer in network.layers}
    names = {layer.name for layer in network.layers}
    if not any(entry.layer in shapes or entry.layer in names for entry in entries):
        example = LayerShape.of(network.layers[0])
        raise BadInput(
            f"no line of the table has the shape of a layer of {network.name}; the first layer is "
            f"{example}"
        )
