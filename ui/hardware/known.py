"""The hardware that a visitor can choose."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from qcore.hardware import HARDWARE, Hardware
from qcore.latency.hardware import THIS_MACHINE, measured_hardware
from qcore.prepare.prepared import Prepared
from qcore.store.latencies import kept_at, latency_of
from qcore.store.own_hardware import PREFIX, own_hardware

NOT_MEASURED = "This machine (not measured yet: page Hardware)"
"""What stands for it in select boxes before."""

_ROOFLINE = "roofline:"


def known(prepared: Prepared) -> dict[str, Hardware]:
    """By name, in the order of select boxes: published models, rooflines, what visitors brought,
    and this machine where this network was measured on it."""
    rooflines = {n: machine for n, machine in HARDWARE.items() if n.startswith(_ROOFLINE)}
    published = {n: machine for n, machine in HARDWARE.items() if n not in rooflines}
    return published | rooflines | own_hardware() | _this_machine(prepared.network.fingerprint)


def title(name: str, hardware: Hardware) -> str:
    """One line for a select box, which shows text as it is. Example: Yours: two big cores."""
    return f"Yours: {hardware.title}" if name.startswith(PREFIX) else hardware.title


def day(seconds: float) -> str:
    """Since 1970, as a date. Example: 3 Oct 2026."""
    return f"{datetime.fromtimestamp(seconds):%d %b %Y}".lstrip("0")


def _this_machine(fingerprint: str) -> dict[str, Hardware]:
    """Under its title the day of its measurement: whose machine it is says its provenance."""
    measurement, kept = latency_of(fingerprint), kept_at(fingerprint)
    if measurement is None or kept is None:
        return {}
    machine = measured_hardware(measurement)
    return {THIS_MACHINE: replace(machine, title=f"This machine (measured {day(kept)})")}
