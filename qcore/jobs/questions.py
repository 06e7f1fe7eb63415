"""What can be asked of a worker. A question is a job's identity: equal questions, one job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from qcore.data.source import DataSource
from qcore.sensitivity.table import Objective, SensitivityConfig

ENGINE = 2
"""Part of every question: raise it when the same question would get other numbers."""


@dataclass(frozen=True)
class PrepareQuestion:
    """Load and describe a network. ``stamp`` changes with the files it is read from."""

    kind: ClassVar[str] = "prepare"
    model: str
    stamp: str
    engine: int = ENGINE


@dataclass(frozen=True)
class DataQuestion:
    """Can these data be used with this network, and are they any good?"""

    kind: ClassVar[str] = "data"
    model: str
    model_fingerprint: str
    data: DataSource
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> DataQuestion:
        return DataQuestion(**{**data, "data": DataSource.from_json(data["data"])})


@dataclass(frozen=True)
class SensitivityQuestion:
    """ΔL of every layer at every bit width of ``config``."""

    kind: ClassVar[str] = "sensitivity"
    model: str
    model_fingerprint: str
    data: DataSource
    data_fingerprint: str
    config: SensitivityConfig
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SensitivityQuestion:
        config = {**data["config"], "bits": tuple(data["config"]["bits"])}
        source = DataSource.from_json(data["data"])
        parts = {"data": source, "config": SensitivityConfig(**config)}
        return SensitivityQuestion(**{**data, **parts})


@dataclass(frozen=True)
class EvaluateQuestion:
    """True loss and accuracy of an allocation; ``bits`` as (layer, weight bits or None) pairs."""

    kind: ClassVar[str] = "evaluate"
    model: str
    model_fingerprint: str
    data: DataSource
    data_fingerprint: str
    bits: tuple[tuple[str, int | None], ...]
    objective: Objective
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> EvaluateQuestion:
        source = DataSource.from_json(data["data"])
        bits = tuple((n, b) for n, b in data["bits"])
        return EvaluateQuestion(**{**data, "data": source, "bits": bits})


Question = PrepareQuestion | DataQuestion | SensitivityQuestion | EvaluateQuestion


def to_json(question: Question) -> dict[str, Any]:
    """The question as JSON values, equal before and after a trip through the store."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(question)))
    return values
