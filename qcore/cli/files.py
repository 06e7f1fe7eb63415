"""Read the files that other commands wrote. Free of torch: allocate and frontier start at once."""

from __future__ import annotations

from qcore.allocate.bits import BitAllocation
from qcore.cli.show import read_json
from qcore.errors import BadInput
from qcore.sensitivity.table import SensitivityTable


def read_table(path: str) -> SensitivityTable:
    """Read SENSITIVITY.json. Raises BadInput."""
    value = read_json(path, "a file written by: python -m qcore sensitivity ... --json FILE")
    if not isinstance(value, dict):
        raise BadInput(f"{path!r} is not a sensitivity table")
    return SensitivityTable.from_json(value)


def read_allocation(path: str) -> BitAllocation:
    """Read ALLOCATION.json. Raises BadInput."""
    return BitAllocation.from_json(
        read_json(path, "a file written by: python -m qcore allocate ... --json FILE")
    )
