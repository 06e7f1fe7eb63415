"""What an agent decides: a problem, and what is known of the layers behind its rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qcore.agents.axes import OptionAxes, option_axes
from qcore.allocate.budget import TableProblem
from qcore.allocate.kernels import KernelProblem, layer_numbers
from qcore.allocate.problem import (
    AllocationProblem,
    FloatArray,
    IndexArray,
    MergedProblem,
    merge_groups,
)
from qcore.errors import BadInput
from qcore.graph.layer import Layer
from qcore.sensitivity.config import Width


@dataclass(frozen=True, eq=False)
class SearchTask:
    """An allocation problem as a walk over its units, one after the other.

    A *unit* is a row of the problem (a layer, or a kernel) or a group of rows that agree, as
    ``merge_groups`` numbers them. Every row has the same ``options``. ``layer_of_row`` (rows,) is
    the place of a row's layer in ``layers``. What is made small is the evaluator's loss; with a
    budget called "loss" the problem's own objective (the size).
    """

    problem: AllocationProblem
    options: tuple[Width, ...]
    layers: tuple[Layer, ...]
    layer_of_row: IndexArray

    def __post_init__(self) -> None:
        if self.problem.loss.shape != (len(self.layer_of_row), len(self.options)):
            raise ValueError(
                f"{len(self.layer_of_row)} rows of {len(self.options)} options for a problem of "
                f"shape {self.problem.loss.shape}"
            )

    @cached_property
    def merged(self) -> MergedProblem:
        return merge_groups(self.problem)

    @cached_property
    def axes(self) -> OptionAxes:
        return option_axes(self.options)

    @cached_property
    def losses(self) -> FloatArray:
        """(rows, options): what each adds to the predicted loss."""
        return self.problem.costs.get("loss", self.problem.loss)

    @cached_property
    def first_row(self) -> IndexArray:
        """(units,): the first row of each unit."""
        found: IndexArray = np.unique(self.merged.unit_of_layer, return_index=True)[1]
        return found

    @cached_property
    def layer_of_unit(self) -> IndexArray:
        """(units,): the layer of each unit's first row."""
        found: IndexArray = self.layer_of_row[self.first_row]
        return found

    @cached_property
    def free(self) -> npt.NDArray[np.bool_]:
        """(units,): False where pins leave one option."""
        found: npt.NDArray[np.bool_] = self.merged.allowed.sum(1) > 1
        return found

    @cached_property
    def pinned(self) -> IndexArray:
        """(units,): the option that a pin leaves; of free units the first one."""
        found: IndexArray = self.merged.allowed.argmax(1)
        return found

    @property
    def saves(self) -> bool:
        """True where the loss has a budget, and the size is what is made small."""
        return "loss" in self.problem.budgets


def layer_task(problem: TableProblem) -> SearchTask:
    """A table's problem, layer by layer."""
    layers = problem.network.layers
    rows: IndexArray = np.arange(len(layers), dtype=np.intp)
    return SearchTask(problem.problem, problem.options, layers, rows)


def kernel_task(problem: KernelProblem) -> SearchTask:
    """The same kernel by kernel, of a problem whose kernels have all the layers' widths.

    Raises BadInput where they are limited to the widths around their layer's.
    """
    layers = problem.layers
    if not (problem.options == np.arange(len(layers.options))).all():
        raise BadInput("kernels have the widths around their layer's; give them all widths")
    rows = layer_numbers(layers.network).astype(np.intp)
    return SearchTask(problem.problem, layers.options, layers.network.layers, rows)


def check_layers_within_costs(task: SearchTask, title: str) -> None:
    """Raise BadInput, about the agent of this title, for kernels and for a budget of loss."""
    if len(task.layer_of_row) > len(task.layers):
        raise BadInput(f"{title} gives bits to layers, not to kernels; use AutoQ")
    if task.saves:
        raise BadInput(
            f"{title} works within budgets of cost, not of loss; use AutoQ or the integer program"
        )
