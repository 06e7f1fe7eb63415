"""The processor that this runs on. No name of the machine is read."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

_TOPOLOGY = Path("/sys/devices/system/cpu")
_LONGEST = 80


def processor_name() -> str:
    """What the processor calls itself. Example: "AMD EPYC"."""
    name = _named_in_cpuinfo() or platform.processor() or platform.machine()
    plain = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(plain.split())[:_LONGEST] or "unknown processor"


def _named_in_cpuinfo() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return found[0] if found else ""


def default_threads() -> int:
    """One for each core that this process may run on, as ONNX Runtime chooses: two threads of one
    core count once."""
    if not hasattr(os, "sched_getaffinity"):
        return os.cpu_count() or 1
    return max(1, len({_core(cpu) for cpu in os.sched_getaffinity(0)}))


def _core(cpu: int) -> tuple[str, ...]:
    try:
        return tuple(
            (_TOPOLOGY / f"cpu{cpu}" / "topology" / name).read_text(encoding="ascii").strip()
            for name in ("physical_package_id", "core_id")
        )
    except OSError:
        return (str(cpu),)


def seconds_of_others() -> float | None:
    """Seconds that processors have worked for other processes since the machine started, this
    process's own since it started taken off; None where the system does not say. The difference of
    two calls is what others took in between."""
    try:
        fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()
        user, nice, system, _idle, _waiting, *interrupts = (int(f) for f in fields[1:9])
        worked = (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
    own = os.times()
    return worked - own.user - own.system


def runtime_name() -> str:
    """Example: "ONNX Runtime 1.31.1"."""
    return f"ONNX Runtime {version('onnxruntime')}"
