"""Allocate by the method that a person names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from qcore.allocate.budget import TableProblem
from qcore.allocate.greedy import greedy_accuracy, greedy_compression
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.infeasible import InfeasibleBudget
from qcore.allocate.interaction import InteractionResult, solve_interaction
from qcore.allocate.kernels import OWN, KernelProblem, kernel_problem, widths_and_packing
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.methods import Method
from qcore.allocate.problem import Allocation, AllocationProblem, FloatArray, evaluate
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
    widths = [(width.bits, width.activation_bits) for width in table.config.widths]
    return solve_interaction(problem.problem, cross_terms(table.projections, widths))


def solve_kernels(problem: TableProblem, estimates: FloatArray) -> tuple[KernelProblem, Allocation]:
    """Bits of every kernel, at most one width beside those that its layer gets alone.

    ``estimates`` (kernels, options) as ``kernel_problem`` takes them. The layers' own bits are
    chosen within what storing the kernels' widths leaves of a budget of bytes; prices on the
    budgets decide on kernels (``solve_lagrangian``), as there are thousands. Bits per layer, which
    store no widths, are taken where they are predicted better. Raises as ``solve`` and
    ``kernel_problem``.
    """
    layers = solve_ilp(problem.problem)
    whole = kernel_problem(problem, estimates, around=layers.choice)
    alike = evaluate(whole.problem, np.full(len(whole.problem.loss), OWN).tolist())
    budgets = dict(problem.problem.budgets)
    if "size_bytes" in budgets:
        budgets["size_bytes"] -= widths_and_packing(problem.network)
    try:
        start = solve_ilp(replace(problem.problem, budgets=budgets))
        kernels = kernel_problem(problem, estimates, around=start.choice)
        found = solve_lagrangian(kernels.problem)
    except InfeasibleBudget:
        return whole, alike
    least = "size_bytes" if "loss" in budgets else "loss"
    better = kernels.costs(found)[least] < whole.costs(alike)[least]
    return (kernels, found) if better else (whole, alike)
