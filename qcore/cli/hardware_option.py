"""``--hardware`` of the commands that read a sensitivity table."""

from __future__ import annotations

import argparse

from qcore.allocate.on_hardware import runnable
from qcore.errors import BadInput
from qcore.hardware import Hardware
from qcore.hardware.refusal import listed
from qcore.sensitivity.table import SensitivityTable
from qcore.sensitivity.width_text import width_text
from qcore.store.find_hardware import find_hardware


def on_hardware(
    arguments: argparse.Namespace, table: SensitivityTable
) -> tuple[SensitivityTable, Hardware | None]:
    """The table with the widths that the named hardware runs, and the hardware.

    Prints which widths are left out. Raises BadInput where none are left.
    """
    if arguments.hardware is None:
        return table, None
    hardware, bits = find_hardware(arguments.hardware, table.network), arguments.activation_bits
    if table.config.target == "activation":  # which is refused later, on any hardware
        return table, hardware
    if table.config.target == "weight" and bits is None and None not in hardware.activation_bits:
        raise BadInput(
            f"{hardware.title} has no layer inputs of full precision; give --activation-bits, of "
            f"{listed(hardware.activation_bits)}"
        )
    left = runnable(table, hardware, bits)
    if left is not table:
        print(_left_out(table, left, hardware))
    return left, hardware


def _left_out(table: SensitivityTable, left: SensitivityTable, hardware: Hardware) -> str:
    """Which widths of a table ``left`` lacks. Example: ``BitFusion: 3, 5 bits left out (not run in
    every layer)``."""
    kept = set(left.config.widths)
    gone = [width_text(width) for width in table.config.widths if width not in kept]
    why = "not run in every layer"
    if table.config.activation_bits:  # every width of weights stays with every width of inputs
        why += ", or not with every other width that is left"
    return f"{hardware.title}: {', '.join(gone)} bits left out ({why})"
