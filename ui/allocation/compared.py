"""One of the configurations that are compared."""

from __future__ import annotations

from dataclasses import dataclass

from qcore.allocate import evaluate
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.config import Width
from ui.allocation.dialled import Widths
from ui.allocation.workbench import Answer
from ui.evaluations import Measurement, Setting, measurement_of

NOW = "On the dial"
"""What the configuration on the dial is called."""

_OF_WEIGHTS = ("size_bytes", "average_bits", "size_ratio", "loss")


@dataclass(frozen=True, eq=False)
class Compared:
    """One configuration: its name, widths, costs by name with its loss (None where this table has
    no price for it), and its measurement, None where there are no data to measure on."""

    name: str
    widths: Widths
    costs: dict[str, float] | None
    measurement: Measurement | None

    @property
    def measured_loss(self) -> float | None:
        """None before it is measured."""
        result = None if self.measurement is None else self.measurement.result
        return None if result is None else result.delta_loss


def compared(
    prepared: Prepared, setting: Setting | None, answer: Answer, name: str, widths: Widths
) -> Compared:
    """Price it by the problem on the dial, and look up its measurement."""
    choice, costs = answer.problem.choice_of(widths), None
    if choice is not None:
        costs = answer.problem.costs(evaluate(answer.problem.problem, choice))
        if not set(widths) <= set(answer.problem.options):
            # Its inputs have other bits than the dialled ones: no price for what these count in.
            costs = {name: cost for name, cost in costs.items() if name in _OF_WEIGHTS}
    found = None
    if setting is not None:
        found = measurement_of(prepared, _named(prepared, widths), setting)
    return Compared(name, widths, costs, found)


def _named(prepared: Prepared, widths: Widths) -> dict[str, Width]:
    """Layer -> its width."""
    return {la.name: width for la, width in zip(prepared.network.layers, widths, strict=True)}
