"""The losses that sensitivity is measured in. Free of torch."""

from __future__ import annotations

from typing import Literal

from qcore.errors import BadInput
from qcore.graph.layer import Description

Objective = Literal["kl", "cross_entropy", "mse"]
OBJECTIVES: dict[str, str] = {
    "cross_entropy": "cross-entropy with the labels, nats per image",
    "kl": "KL divergence from the full-precision output, nats per image",
    "mse": "squared error of the output relative to its energy at full precision, mean of outputs",
}
UNITS: dict[str, str] = {"cross_entropy": "nats", "kl": "nats", "mse": "of the output's energy"}


def objectives_for(network: Description, labelled: bool) -> tuple[Objective, ...]:
    """The losses that make sense for a network and its data, the best one first."""
    if network.classes is None:
        return ("mse",)
    return ("cross_entropy", "kl", "mse") if labelled else ("kl", "mse")


def check_objective(objective: Objective, network: Description, labelled: bool, data: str) -> None:
    """BadInput where that loss cannot be computed."""
    possible = objectives_for(network, labelled)
    if objective in possible:
        return
    if network.classes is None:
        raise BadInput(f"this network is no classifier; use --objective {possible[0]}")
    raise BadInput(f"{data} has no labels; use --objective {possible[0]}")
