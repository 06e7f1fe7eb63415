"""What a search is about: a table's problem within budgets, by layer or by kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from qcore.agents.task import SearchTask, kernel_task, layer_task
from qcore.allocate.budget import TableProblem, check_budgets, table_problem
from qcore.allocate.kernels import KernelProblem, kernel_problem
from qcore.allocate.problem import FloatArray, Groups, evaluate
from qcore.hardware import Hardware
from qcore.quantize.limits import WeightBits
from qcore.sensitivity.config import Width
from qcore.sensitivity.table import SensitivityTable


@dataclass(frozen=True, eq=False)
class SearchSetting:
    """A task, and how its configurations read. ``kernels`` is None where layers get their bits."""

    table: SensitivityTable
    layers: TableProblem
    kernels: KernelProblem | None
    task: SearchTask

    @property
    def rounds_inputs(self) -> bool:
        """True where some option has a width of the input: measuring needs thresholds of these."""
        return any(option.activation_bits is not None for option in self.task.options)

    @property
    def corrects_biases(self) -> bool:
        """True where measuring needs the layers' mean inputs."""
        return self.table.config.clipping.bias_correction

    @property
    def offset(self) -> float:
        """What no row decides of the value: of a size the bytes that stay 32 bit."""
        return self.layers.offsets["size_bytes"] if self.task.saves else 0.0

    def bits(self, choice: Sequence[int]) -> dict[str, WeightBits]:
        """Layer name -> weight bits, one number or one for each kernel."""
        if self.kernels is not None:
            return self.kernels.choose(choice)
        return dict(self.layers.choose(tuple(choice)))

    def inputs(self, choice: Sequence[int]) -> dict[str, int | None]:
        """Layer name -> bits of its input, None for full precision."""
        names = [layer.name for layer in self.layers.network.layers]
        if self.kernels is not None:
            return dict.fromkeys(names, self.layers.options[0].activation_bits)
        found = self.layers.inputs(tuple(choice))
        return {name: found.get(name) for name in names}

    def costs(self, choice: Sequence[int]) -> dict[str, float]:
        """Predicted loss and costs by name, in the budgets' own units."""
        found = evaluate(self.task.problem, choice)
        if self.kernels is not None:
            return self.kernels.costs(found)
        return self.layers.costs(found)


def search_setting(
    table: SensitivityTable,
    budgets: Mapping[str, float],
    *,
    pins: Mapping[str, int | Width] | None = None,
    activation_bits: int | None = None,
    hardware: Hardware | None = None,
    groups: Groups = (),
    estimates: FloatArray | None = None,
) -> SearchSetting:
    """The problem that agents and the integer program solve alike.

    ``estimates`` (kernels, options) make it one of kernels, see ``kernel_problem``. ``table`` has
    the widths that ``hardware`` runs (``runnable``). Raises BadInput as ``table_problem``,
    ``check_budgets`` and ``kernel_problem`` do.
    """
    layers = table_problem(
        table,
        budgets,
        pins,
        activation_bits=activation_bits,
        hardware=hardware,
        groups=groups,
    )
    check_budgets(layers, budgets)
    if estimates is None:
        return SearchSetting(table, layers, None, layer_task(layers))
    kernels = kernel_problem(layers, np.asarray(estimates, dtype=np.float64))
    return SearchSetting(table, layers, kernels, kernel_task(kernels))
