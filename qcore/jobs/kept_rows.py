"""Rows of measures that sum up over images as they go: the latest, under one name."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.row import SensitivityRow, row_from_json

ROWS = "rows"


def pack_rows(rows: Iterable[SensitivityRow]) -> dict[str, bytes]:
    """The entry of all rows so far, which takes the place of the one before."""
    return {ROWS: json.dumps([asdict(row) for row in rows]).encode()}


def rows_in(known: Mapping[str, bytes], config: SensitivityConfig) -> tuple[SensitivityRow, ...]:
    """Those that are kept; none before the first."""
    return tuple(row_from_json(row, config) for row in json.loads(known.get(ROWS, b"[]")))
