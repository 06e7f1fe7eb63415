"""One of the configurations that are compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from qcore.agents.config import TITLES
from qcore.allocate import evaluate
from qcore.prepare.prepared import Prepared
from qcore.quantize.limits import WeightBits
from qcore.sensitivity.config import Width
from ui.allocation.dialled import FromSearch, Widths
from ui.allocation.from_search import KernelBits, kept_kernels
from ui.allocation.origins import Origin, origin_of
from ui.allocation.points import letter
from ui.allocation.workbench import Answer
from ui.evaluations import Measurement, Setting, measurement, measurement_of

NOW = "On the dial"
"""What the configuration on the dial is called."""

_OF_WEIGHTS = ("size_bytes", "average_bits", "size_ratio", "loss")


@dataclass(frozen=True, eq=False)
class Compared:
    """One configuration: its place among those put aside (None: on the dial), its weight bits by
    layer (of each kernel where they differ), costs by name with its loss (None where this table has
    no price for it), and its measurement, None where there are no data to measure on. ``origin`` is
    None where it was kept on the dial, or came with a link that does not say more."""

    number: int | None
    bits: Mapping[str, WeightBits]
    costs: Mapping[str, float] | None
    measurement: Measurement | None
    per_kernel: bool = False
    origin: Origin | None = None

    @property
    def name(self) -> str:
        """Example: B."""
        return NOW if self.number is None else letter(self.number)

    @property
    def title(self) -> str:
        """With its origin. Example: B, HAQ."""
        return self.name if self.origin is None else f"{self.name}, {self.origin.name}"

    @property
    def measured_loss(self) -> float | None:
        """None before it is measured."""
        result = None if self.measurement is None else self.measurement.result
        return None if result is None else result.delta_loss


def all_compared(prepared: Prepared, setting: Setting | None, answer: Answer) -> list[Compared]:
    """Those put aside, and then the one on the dial."""
    found, kept = [], answer.dialled.kept
    kernels = kept_kernels(kept, answer.bench)
    for number, one in enumerate(kept):
        origin = origin_of(prepared.network.fingerprint, one)
        if not isinstance(one, FromSearch):
            layers = _of_layers(prepared, setting, answer, number, one)
            found.append(replace(layers, origin=origin))
        elif number in kernels:
            found.append(_of_kernels(prepared, setting, number, kernels[number], origin))
    return [*found, _of_layers(prepared, setting, answer, None, answer.widths)]


def _of_layers(
    prepared: Prepared,
    setting: Setting | None,
    answer: Answer,
    number: int | None,
    widths: Widths,
) -> Compared:
    """Priced by the problem on the dial."""
    choice, costs = answer.problem.choice_of(widths), None
    if choice is not None:
        costs = answer.problem.costs(evaluate(answer.problem.problem, choice))
        if not set(widths) <= set(answer.problem.options):
            # Its inputs have other bits than the dialled ones: no price for what these count in.
            costs = {name: cost for name, cost in costs.items() if name in _OF_WEIGHTS}
    named = _named(prepared, widths)
    found = None if setting is None else measurement_of(prepared, named, setting)
    bits = {name: width.bits for name, width in named.items()}
    return Compared(number, bits, costs, found)


def _of_kernels(
    prepared: Prepared,
    setting: Setting | None,
    number: int,
    known: KernelBits,
    origin: Origin | None,
) -> Compared:
    """Priced by the problem that was searched, which says who found it."""
    origin = origin or Origin(TITLES[known.asked.agent])
    found = None
    if setting is not None:
        found = measurement(prepared, known.bits, known.inputs, setting)
    return Compared(number, known.bits, known.costs, found, True, origin)


def _named(prepared: Prepared, widths: Widths) -> dict[str, Width]:
    """Layer -> its width."""
    return {la.name: width for la, width in zip(prepared.network.layers, widths, strict=True)}
