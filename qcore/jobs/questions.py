"""What can be asked of a worker. A question is a job's identity: equal questions, one job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from qcore.sensitivity.table import Objective, SensitivityConfig

ENGINE = 1
"""Part of every question: raise it when the same question would get other numbers."""


@dataclass(frozen=True)
class PrepareQuestion:
    """Load and describe a network. ``stamp`` changes with the files it is read from."""

    kind: ClassVar[str] = "prepare"
    model: str
    stamp: str
    engine: int = ENGINE


@dataclass(frozen=True)
class SensitivityQuestion:
    """ΔL of every layer at every bit width of ``config``."""

    kind: ClassVar[str] = "sensitivity"
    model: str
    model_fingerprint: str
    data: str
    data_fingerprint: str
    config: SensitivityConfig
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SensitivityQuestion:
        config = {**data["config"], "bits": tuple(data["config"]["bits"])}
        return SensitivityQuestion(**{**data, "config": SensitivityConfig(**config)})


@dataclass(frozen=True)
class EvaluateQuestion:
    """True loss and accuracy of an allocation; ``bits`` as (layer, weight bits or None) pairs."""

    kind: ClassVar[str] = "evaluate"
    model: str
    model_fingerprint: str
    data: str
    data_fingerprint: str
    bits: tuple[tuple[str, int | None], ...]
    objective: Objective
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> EvaluateQuestion:
        return EvaluateQuestion(**{**data, "bits": tuple((n, b) for n, b in data["bits"])})


Question = PrepareQuestion | SensitivityQuestion | EvaluateQuestion


def to_json(question: Question) -> dict[str, Any]:
    """The question as JSON values, equal before and after a trip through the store."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(question)))
    return values
