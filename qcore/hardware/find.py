"""A machine by its name."""

from __future__ import annotations

from qcore.errors import BadInput
from qcore.hardware import HARDWARE, Hardware


def find_hardware(name: str) -> Hardware:
    """The machine of that name. Raises BadInput for an unknown one."""
    if name not in HARDWARE:
        raise BadInput(f"no hardware is called {name!r}; there are: {', '.join(HARDWARE)}")
    return HARDWARE[name]
