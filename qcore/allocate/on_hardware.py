"""What is left of a sensitivity table on a machine that does not run all its widths."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from qcore.errors import BadInput
from qcore.hardware import BitPair, Hardware, hardware_costs
from qcore.hardware.refusal import listed
from qcore.quantize.limits import PRUNED
from qcore.sensitivity.config import Width
from qcore.sensitivity.table import SensitivityTable

Bits = tuple[int, ...]


def runnable(
    table: SensitivityTable, hardware: Hardware, activation_bits: int | None = None
) -> SensitivityTable:
    """The table with the widths that every layer runs at on ``hardware``.

    ``activation_bits`` is the width of all inputs of a table of weights alone. Where every width of
    weights is combined with every width of inputs, what is left is combined so, too: see
    ``_largest_grid``. Raises BadInput where nothing but pruning is left. Example: a table of 2, 3,
    4 and 8 bits on a machine of 4 and 8: a table of 4 and 8 bits.
    """
    config = table.config
    pairs = [BitPair(w.bits, w.activation_bits or activation_bits) for w in config.widths]
    runs = hardware_costs(table.network, hardware, pairs).runs
    everywhere = [bool(column.all()) for column in runs.T]
    left = {width for width, does in zip(config.widths, everywhere, strict=True) if does}
    if len(left) == len(config.widths):
        return table
    bits = tuple(b for b in config.bits if any(width.bits == b for width in left))
    inputs = config.activation_bits
    if inputs:
        bits, inputs = _largest_grid(bits, inputs, left)
    if not set(bits) - {PRUNED}:
        asked = ", ".join(str(pair) for pair in pairs if not pair.pruned)
        raise BadInput(
            f"{hardware.title} runs no width of this sensitivity table in all layers ({asked} bits "
            f"of weights/input); it has weights of {listed(hardware.weight_bits)}, inputs of "
            f"{listed(hardware.activation_bits)}"
        )
    smaller = replace(config, bits=bits, activation_bits=inputs)
    rows, kernel_rows = (
        tuple(row for row in rows if row.width in smaller.widths)
        for rows in (table.rows, table.kernel_rows)
    )
    return replace(table, config=smaller, rows=rows, kernel_rows=kernel_rows)


def _largest_grid(bits: Bits, inputs: Bits, left: Set[Width]) -> tuple[Bits, Bits]:
    """The widths of weights and of inputs of which every combination is left: as many pairs as can
    be, of several such the most widths of weights, then the widest.

    Example: of 8/4, 4/8 and 8/8 bits both weights stay with inputs of 8; of 4/4 and 8/8, 8/8 alone.
    """
    columns = {a: frozenset(b for b in bits if Width(b, a) in left) for a in inputs}
    shared = {frozenset(bits)}
    for column in columns.values():
        shared |= {column & one for one in shared}
    grids = [(tuple(sorted(one)), tuple(a for a in inputs if one <= columns[a])) for one in shared]

    def size(grid: tuple[Bits, Bits]) -> tuple[int, int, int]:
        weights, values = grid
        count = len(set(weights) - {PRUNED})
        return count * len(values), count, sum(weights) + sum(values)

    return max(grids, key=size)
