"""What is left of a sensitivity table on a machine that does not run all its widths."""

from __future__ import annotations

from dataclasses import replace

from qcore.errors import BadInput
from qcore.hardware import BitPair, Hardware, hardware_costs
from qcore.hardware.network_costs import listed
from qcore.quantize.limits import PRUNED
from qcore.sensitivity.config import Width
from qcore.sensitivity.table import SensitivityTable


def runnable(
    table: SensitivityTable, hardware: Hardware, activation_bits: int | None = None
) -> SensitivityTable:
    """The table with the widths that every layer runs at on ``hardware``.

    ``activation_bits`` is the width of all inputs of a table of weights alone. Where every width of
    weights is combined with every width of inputs, those widths of inputs stay that run with all
    that are left of the weights. Raises BadInput where nothing but pruning is left. Example: a
    table of 2, 3, 4 and 8 bits on a machine of 4 and 8: a table of 4 and 8 bits.
    """
    config = table.config
    pairs = [BitPair(w.bits, w.activation_bits or activation_bits) for w in config.widths]
    runs = hardware_costs(table.network, hardware, pairs).runs
    everywhere = [bool(column.all()) for column in runs.T]
    left = {width for width, does in zip(config.widths, everywhere, strict=True) if does}
    if len(left) == len(config.widths):
        return table
    bits = tuple(b for b in config.bits if any(width.bits == b for width in left))
    inputs = tuple(a for a in config.activation_bits if all(Width(b, a) in left for b in bits))
    if not set(bits) - {PRUNED} or bool(inputs) < bool(config.activation_bits):
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
