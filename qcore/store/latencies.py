"""The newest measurement of each network on this machine."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from qcore.latency.measurement import LatencyMeasurement
from qcore.store.home import home

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")


def keep_latency(measurement: LatencyMeasurement) -> None:
    """Keep it in place of an earlier one of the same network."""
    path = _path(measurement.network_fingerprint)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(json.dumps(measurement.to_json()), encoding="utf-8")
    draft.replace(path)


def latency_of(fingerprint: str) -> LatencyMeasurement | None:
    """The newest of the network of that fingerprint; None where there is none or it is damaged."""
    if not _FINGERPRINT.fullmatch(fingerprint) or not _path(fingerprint).is_file():
        return None
    try:
        data = json.loads(_path(fingerprint).read_text(encoding="utf-8"))
        found = LatencyMeasurement.from_json(data)
    except (KeyError, TypeError, ValueError, OSError, RecursionError):
        return None
    return found if found.network_fingerprint == fingerprint else None


def kept_at(fingerprint: str) -> float | None:
    """When the newest was kept, in seconds since 1970; None where there is none."""
    if not _FINGERPRINT.fullmatch(fingerprint):
        return None
    try:
        return _path(fingerprint).stat().st_mtime
    except OSError:
        return None


def _path(fingerprint: str) -> Path:
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise ValueError(f"{fingerprint[:80]!r} is no fingerprint of a network")
    folder = home() / "latency"
    folder.mkdir(exist_ok=True)
    return folder / f"{fingerprint}.json"
