"""What can be asked of a worker. A question is a job's identity: equal questions, one job."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from qcore.calibrate.clipping import Clipping, Method, Target
from qcore.data.source import DataSource
from qcore.jobs.engine import ENGINE
from qcore.jobs.search_question import SearchQuestion
from qcore.quantize.limits import WeightBits
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.objectives import Objective


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
class GridsQuestion:
    """What one quantizer makes of one layer's weights at every bit width that pages draw."""

    kind: ClassVar[str] = "grids"
    model: str
    model_fingerprint: str
    layer: str
    quantizer: str
    engine: int = ENGINE


@dataclass(frozen=True)
class CalibrateQuestion:
    """Histograms of every layer's weights and inputs, in both halves of the calibration data."""

    kind: ClassVar[str] = "calibrate"
    model: str
    model_fingerprint: str
    data: DataSource
    data_fingerprint: str
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> CalibrateQuestion:
        return CalibrateQuestion(**{**data, "data": DataSource.from_json(data["data"])})


@dataclass(frozen=True)
class ThresholdsQuestion:
    """The thresholds that each method finds for every layer's weights or inputs."""

    kind: ClassVar[str] = "thresholds"
    model: str
    model_fingerprint: str
    data: DataSource
    data_fingerprint: str
    bits: int
    target: Target
    percentile: float
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> ThresholdsQuestion:
        return ThresholdsQuestion(**{**data, "data": DataSource.from_json(data["data"])})


@dataclass(frozen=True)
class LayerLossQuestion:
    """ΔL of one layer's weights or inputs at one bit width and one clipping threshold."""

    kind: ClassVar[str] = "layer_loss"
    model: str
    model_fingerprint: str
    data: DataSource
    data_fingerprint: str
    layer: str
    target: Target
    bits: int
    choice: Method | float
    percentile: float
    objective: Objective
    images: int
    bias_correction: bool
    per_kernel: bool
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> LayerLossQuestion:
        return LayerLossQuestion(**{**data, "data": DataSource.from_json(data["data"])})


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
        config = SensitivityConfig.from_json(data["config"])
        parts = {"data": DataSource.from_json(data["data"]), "config": config}
        return SensitivityQuestion(**{**data, **parts})


@dataclass(frozen=True)
class TrustQuestion:
    """ΔL of ``count`` random configurations on the images of a sensitivity run of ``config``."""

    kind: ClassVar[str] = "trust"
    model: str
    model_fingerprint: str
    data: DataSource
    data_fingerprint: str
    config: SensitivityConfig
    count: int
    seed: int
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> TrustQuestion:
        config = SensitivityConfig.from_json(data["config"])
        parts = {"data": DataSource.from_json(data["data"]), "config": config}
        return TrustQuestion(**{**data, **parts})


@dataclass(frozen=True)
class EvaluateQuestion:
    """True loss and accuracy of an allocation.

    ``bits`` as (layer, weight bits or None, activation bits or None); weight bits of a layer may be
    a tuple, one width for each kernel. ``calibration`` are the data
    that thresholds of inputs and corrections of biases come from (None where there is neither),
    never those measured on.
    """

    kind: ClassVar[str] = "evaluate"
    model: str
    model_fingerprint: str
    data: DataSource
    data_fingerprint: str
    bits: tuple[tuple[str, WeightBits | None, int | None], ...]
    objective: Objective
    clipping: Clipping
    calibration: DataSource | None
    calibration_fingerprint: str | None
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> EvaluateQuestion:
        calibration = data["calibration"]
        parts = {
            "data": DataSource.from_json(data["data"]),
            "bits": tuple(
                (name, tuple(weight) if isinstance(weight, list) else weight, activation)
                for name, weight, activation in data["bits"]
            ),
            "clipping": Clipping.from_json(data["clipping"]),
            "calibration": None if calibration is None else DataSource.from_json(calibration),
        }
        return EvaluateQuestion(**{**data, **parts})


@dataclass(frozen=True)
class LatencyQuestion:
    """Times of a network on the worker's machine, for ``batch`` images on ``threads`` threads.

    ``threads`` None: as many as the machine has cores for it. ``repetition`` counts up to measure
    once more what has been measured; the newest result is the one that is kept.
    """

    kind: ClassVar[str] = "latency"
    model: str
    model_fingerprint: str
    batch: int
    threads: int | None
    repetition: int = 0
    engine: int = ENGINE


Question = (
    PrepareQuestion
    | DataQuestion
    | GridsQuestion
    | CalibrateQuestion
    | ThresholdsQuestion
    | LayerLossQuestion
    | SensitivityQuestion
    | TrustQuestion
    | EvaluateQuestion
    | LatencyQuestion
    | SearchQuestion
)


def sensitivity_run(asked: SearchQuestion) -> SensitivityQuestion:
    """What was asked of the run that a search is about."""
    return SensitivityQuestion(
        asked.model, asked.model_fingerprint, asked.data, asked.data_fingerprint, asked.config
    )


def to_json(question: Question) -> dict[str, Any]:
    """The question as JSON values, equal before and after a trip through the store."""
    values: dict[str, Any] = json.loads(json.dumps(asdict(question)))
    return values
