"""Allocate by the method that a person names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from qcore.allocate.budget import TableProblem
from qcore.allocate.greedy import greedy_accuracy, greedy_compression
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.interaction import InteractionResult, solve_interaction
from qcore.allocate.kernels import KernelProblem, kernel_problem, widths_and_packing
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.methods import Method
from qcore.allocate.problem import Allocation, AllocationProblem, FloatArray
from qcore.errors import BadInput
from qcore.sensitivity.projection.shrinkage import cross_terms
from qcore.sensitivity.table import SensitivityTable

_SOLVERS: dict[Method, Callable[[AllocationProblem], Allocation]] = {
    "ilp": solve_ilp,
    "lagrangian": solve_lagrangian,
    "greedy-accuracy": greedy_accuracy,
    "greedy-compression": greedy_compression,
}


def solve(problem: TableProblem, method: Method) -> Allocation:
    """The allocation that a method other than ``interaction`` finds within the budgets.

    Raises InfeasibleBudget where it finds none, SolverTimeout where its time was too short.
    """
    return _SOLVERS[method](problem.problem)


def solve_with_interactions(problem: TableProblem, table: SensitivityTable) -> InteractionResult:
    """The integer program's answer, changed by what ``table`` says of layers that err together.

    Raises BadInput for a table without projections and a budget of loss, which is of layers one by
    one; else as ``solve``.
    """
    if table.projections is None:
        raise BadInput(
            "interactions of layers are known of projected tables alone; make one with "
            "--method projected"
        )
    if "loss" in problem.problem.budgets:
        raise BadInput("a budget of loss adds up layers without interactions; use --method ilp")
    both = table.config.target == "both"
    widths = [(w.bits, w.activation_bits if both else None) for w in problem.options]
    return solve_interaction(problem.problem, cross_terms(table.projections, widths))


def solve_kernels(
    problem: TableProblem, estimates: FloatArray
) -> tuple[KernelProblem, Allocation]:
    """Bits of every kernel, at most one width beside those that its layer gets alone.

    ``estimates`` (kernels, options) as ``kernel_problem`` takes them. The layers' own bits are
    chosen within what storing the kernels' widths leaves of a budget of bytes; prices on the
    budgets decide on kernels (``solve_lagrangian``), as there are thousands. Raises as ``solve``
    and ``kernel_problem``.
    """
    budgets = dict(problem.problem.budgets)
    if "size_bytes" in budgets:
        budgets["size_bytes"] -= widths_and_packing(problem.network)
    layers = solve_ilp(replace(problem.problem, budgets=budgets))
    kernels = kernel_problem(problem, estimates, around=layers.choice)
    return kernels, solve_lagrangian(kernels.problem)
