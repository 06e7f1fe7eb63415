"""A machine by its name: built in, brought, measured here, or in a file."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import replace
from pathlib import Path

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware import HARDWARE, Hardware
from qcore.hardware.own_table import own_table_hardware
from qcore.hardware.own_table_file import MOST_CHARACTERS, read_table_csv
from qcore.hardware.roofline import roofline_hardware
from qcore.hardware.roofline_file import LONGEST_TITLE, read_roofline
from qcore.latency.hardware import THIS_MACHINE, measured_hardware
from qcore.store.latencies import latency_of
from qcore.store.own_hardware import PREFIX, get_own_hardware, hardware_text

_MOST_BYTES = 4 * MOST_CHARACTERS


def find_hardware(name: str, network: Description) -> Hardware:
    """The machine of that name: one of ``HARDWARE``, ``this-machine`` where the network was
    measured, ``own:ID``, or a file of a table (.csv) or a roofline (.json).

    Raises BadInput for an unknown name, a wrong file, and a network that was not measured here.
    """
    if name in HARDWARE:
        return HARDWARE[name]
    if name == THIS_MACHINE:
        return _this_machine(network)
    if name.startswith(PREFIX):
        return get_own_hardware(name)
    if Path(name).suffix.lower() in (".csv", ".json"):
        return _from_file(name, network)
    known = (*HARDWARE, THIS_MACHINE)
    near = difflib.get_close_matches(name, known, 1)
    raise BadInput(
        f"no hardware is called {name[:60]!r}"
        + (f"; did you mean {near[0]!r}?" if near else "")
        + f"; there are: {', '.join(known)}, FILE.csv and FILE.json"
    )


def _this_machine(network: Description) -> Hardware:
    measurement = latency_of(network.fingerprint)
    if measurement is None:
        raise BadInput(
            f"{network.name} was not measured on this machine; measure first: python -m qcore "
            f"latency MODEL --hardware {THIS_MACHINE}"
        )
    return measured_hardware(measurement)


def _from_file(name: str, network: Description) -> Hardware:
    path, content = Path(name), _content(name)
    text = hardware_text(content)
    if path.suffix.lower() == ".json":
        hardware = roofline_hardware(name, read_roofline(text))
    else:
        title = "".join(c for c in path.name if c.isprintable())[-LONGEST_TITLE:]
        hardware = own_table_hardware(name, title, read_table_csv(text, network))
    return replace(hardware, revision=hashlib.sha256(content).hexdigest()[:16])


def _content(name: str) -> bytes:
    path = Path(name)
    try:
        content = path.read_bytes() if path.stat().st_size <= _MOST_BYTES else None
    except (OSError, ValueError) as error:  # ValueError: of a name with a zero byte
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{name[:200]!r} cannot be read ({reason}); check the path") from error
    if content is None:
        raise BadInput(f"{name[:200]!r} is larger than {_MOST_BYTES:,} bytes; give a smaller file")
    return content
