"""What a measurement says: plain values, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qcore.sensitivity.objectives import Objective


@dataclass(frozen=True)
class Evaluation:
    """The quantized network beside full precision, on the same images.

    Losses are means per image (nats, or relative squared error); ``delta_low`` and ``delta_high``
    are the 95 % interval of loss - baseline_loss (paired, None below two images). Accuracies are
    fractions, None without labels. ``agreement`` is the fraction of images on which both networks
    choose the same class, None for a network that is no classifier.
    """

    objective: Objective
    loss: float
    baseline_loss: float
    delta_low: float | None
    delta_high: float | None
    accuracy: float | None
    baseline_accuracy: float | None
    agreement: float | None
    samples: int
    seconds: float

    @property
    def delta_loss(self) -> float:
        return self.loss - self.baseline_loss

    def to_json(self) -> dict[str, Any]:
        """The fields of ``evaluate --json``."""
        return {**asdict(self), "delta_loss": self.delta_loss}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Evaluation:
        """The inverse of ``to_json``; KeyError or TypeError where a field is missing."""
        return Evaluation(**{name: data[name] for name in Evaluation.__dataclass_fields__})
