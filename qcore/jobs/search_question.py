"""What is asked of an agent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from qcore.agents.config import AgentConfig, AgentName, config_from_json
from qcore.agents.evaluator import EvaluatorName
from qcore.calibrate.clipping import Clipping
from qcore.data.source import DataSource
from qcore.jobs.engine import ENGINE
from qcore.sensitivity.config import SensitivityConfig


@dataclass(frozen=True)
class SearchQuestion:
    """The bits that one agent finds within budgets, on the sensitivity run of ``config``.

    ``budgets`` are (name, value in its own unit), ``pins`` (layer, weight bits, input bits or
    None), ``inputs`` the bits of every layer's input where the run is of weights alone.
    ``hardware_revision`` changes with the hardware's figures. ``images`` (that are measured on),
    ``fine_tune_steps`` and ``input_clipping`` (of inputs that the run did not measure) are of the
    evaluator "measured", else None and 0.
    """

    kind: ClassVar[str] = "search"
    model: str
    model_fingerprint: str
    data: DataSource
    data_fingerprint: str
    config: SensitivityConfig
    agent: AgentName
    settings: AgentConfig
    budgets: tuple[tuple[str, float], ...]
    episodes: int
    seed: int = 0
    pins: tuple[tuple[str, int, int | None], ...] = ()
    inputs: int | None = None
    hardware: str | None = None
    hardware_revision: str | None = None
    per_kernel: bool = False
    evaluator: EvaluatorName = "predicted"
    images: int | None = None
    fine_tune_steps: int = 0
    input_clipping: Clipping | None = None
    engine: int = ENGINE

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SearchQuestion:
        clipping = data["input_clipping"]
        parts = {
            "input_clipping": None if clipping is None else Clipping.from_json(clipping),
            "data": DataSource.from_json(data["data"]),
            "config": SensitivityConfig.from_json(data["config"]),
            "settings": config_from_json(data["agent"], data["settings"]),
            "budgets": tuple((name, value) for name, value in data["budgets"]),
            "pins": tuple((layer, bits, inputs) for layer, bits, inputs in data["pins"]),
        }
        return SearchQuestion(**{**data, **parts})
