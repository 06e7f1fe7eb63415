"""A table of pairs of widths, seen at one width of the inputs. Free of torch."""

from __future__ import annotations

from dataclasses import replace

from qcore.sensitivity.table import SensitivityTable


def at_inputs(table: SensitivityTable, activation_bits: int) -> SensitivityTable:
    """The rows of one width of the inputs: bits of weights alone tell a layer's rows apart.

    ValueError for a width that the table lacks. Example: weights at 2 and 4 bits with inputs at 4
    and 8, seen at 8: two rows a layer, of 2/8 and 4/8 bits.
    """
    if activation_bits not in table.config.activation_bits:
        raise ValueError(f"the table has no inputs at {activation_bits} bits")
    rows = tuple(row for row in table.rows if row.activation_bits == activation_bits)
    return replace(
        table, config=replace(table.config, activation_bits=(activation_bits,)), rows=rows
    )
