"""What is dialled on the page Allocate, as a search takes it over."""

from __future__ import annotations

from dataclasses import dataclass

from qcore.allocate.kernels import SHARED
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.table import SensitivityTable
from ui.allocation import session, units
from ui.allocation.dialled import Dialled
from ui.allocation.panel import scope_of
from ui.allocation.workbench import Bench, beginning, bench
from ui.components.live_dial import DialUnit
from ui.hardware.known import known
from ui.search.words import budget_title


@dataclass(frozen=True, eq=False)
class Dial:
    """``bench`` has the problem with the dialled hardware and pins; ``dialled`` what counts of it
    here."""

    bench: Bench
    dialled: Dialled

    def budgets(self, per_kernel: bool) -> list[str]:
        """Names of the budgets that can be set; the loss last."""
        names = [name for name in self.bench.free.names if name != "loss"]
        return [name for name in names if not per_kernel or name in SHARED] + ["loss"]

    def second(self, budget: str) -> tuple[str, float] | None:
        """The dial's other budget, where it is another one than ``budget``."""
        found = self.dialled.second
        if found is None or found[0] == budget or found[0] not in self.bench.free.names:
            return None
        return found

    def limits(self, budget: str) -> DialUnit:
        """A budget's range within the pins, and its unit."""
        if budget == "loss":
            low, high = self.bench.problem.limits("loss")
            return DialUnit("loss", budget_title("loss"), 1.0, low, high, 0.001, 5, "")
        return units.dial_unit(self.bench.problem, budget)

    def beginning(self, budget: str) -> float:
        """Where a budget begins, in its own unit: as it is dialled, else at 4 bits."""
        if budget == "loss":
            losses = self.bench.problem.losses
            return float(losses[:, losses.shape[1] // 2].sum())
        if budget == self.dialled.budget and self.dialled.value is not None:
            return self.dialled.value
        return beginning(self.bench.free, budget, units.dial_unit(self.bench.free, budget))


def dial_of(prepared: Prepared, table: SensitivityTable) -> Dial:
    """Look it up; the dial is in the URL here too."""
    machines = known(prepared)
    dialled = session.begin(prepared.network.fingerprint, scope_of(table, machines))
    found = bench(table, dialled, machines.get(dialled.hardware or ""))
    return Dial(found, found.fit.dialled(dialled))
