"""The commands that choose bits: allocate and frontier."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from qcore.cli.agreements import pins_and_groups, unique
from qcore.cli.allocation_text import show_ledger, show_totals, spread_text
from qcore.cli.hardware_option import on_hardware
from qcore.cli.show import show_table
from qcore.errors import BadInput

if TYPE_CHECKING:
    from qcore.allocate.bits import BitAllocation
    from qcore.allocate.budget import TableProblem
    from qcore.allocate.methods import Method
    from qcore.allocate.problem import Allocation
    from qcore.calibrate.clipping import Clipping
    from qcore.hardware import Hardware
    from qcore.sensitivity.table import SensitivityTable


def allocate(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.allocate.budget import check_budgets
    from qcore.cli.clipping import clipping_of
    from qcore.cli.files import read_table

    if arguments.per_kernel and arguments.method not in (None, "lagrangian"):
        raise BadInput("bits per kernel are found by --method lagrangian alone")
    table, hardware = on_hardware(arguments, read_table(arguments.table))
    inputs, budgets = clipping_of(arguments), unique(arguments.budget, "budget")
    problem = _problem(arguments, table, hardware, budgets)
    check_budgets(problem, budgets)
    if arguments.per_kernel:
        chosen, facts = _of_kernels(problem, table, inputs)
    else:
        chosen, facts = _of_layers(arguments.method or "ilp", problem, table, inputs)
    ledger = show_ledger(table, chosen)
    if arguments.activation_bits is not None:
        print(
            f"inputs of all layers: {arguments.activation_bits} bits; the predicted "
            f"{table.config.quantity} is of the weights alone"
        )
    return chosen.to_json() | facts | ledger


def frontier(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.allocate.budget import check_budgets, table_problem, with_budgets
    from qcore.allocate.curve import frontier_points
    from qcore.allocate.refused import refused
    from qcore.cli.files import read_table

    table, hardware = on_hardware(arguments, read_table(arguments.table))
    problem = table_problem(table, activation_bits=arguments.activation_bits, hardware=hardware)
    exactly: dict[str, list[float]] = {}
    for name, value in arguments.at:
        check_budgets(with_budgets(problem, {name: value}), {name: value})
        exactly.setdefault(name, []).append(value)
    with refused(table.config.quantity, problem.offsets):
        points = frontier_points(problem, exactly)
    rows = [
        (f"{p.size_bytes:,.0f}", f"{p.average_bits:.3f}", f"{p.predicted_loss:+.4e}", p.kind)
        for p in points
    ]
    quantity = table.config.quantity_in_unit()
    show_table(("bytes", "average bits", f"predicted {quantity}", "found by"), rows)
    return {"points": [point.to_json() for point in points]}


def _problem(
    arguments: argparse.Namespace,
    table: SensitivityTable,
    hardware: Hardware | None,
    budgets: dict[str, float],
) -> TableProblem:
    from qcore.allocate.budget import table_problem

    pins, groups = pins_and_groups(arguments, table)
    return table_problem(
        table,
        budgets,
        pins,
        activation_bits=arguments.activation_bits,
        hardware=hardware,
        groups=groups,
    )


def _of_layers(
    method: Method, problem: TableProblem, table: SensitivityTable, inputs: Clipping
) -> tuple[BitAllocation, dict[str, Any]]:
    """The configuration, and what else its method says of it."""
    from qcore.allocate.chosen import to_bit_allocation
    from qcore.allocate.refused import refused
    from qcore.allocate.solve import solve_with_interactions
    from qcore.sensitivity.width_text import width_text

    facts: dict[str, Any] = {}
    with refused(table.config.quantity, problem.offsets):
        if method == "interaction":
            result = solve_with_interactions(problem, table)
            found, facts = result.allocation, {"interaction": result.facts()}
        else:
            found = _by(method, problem)
    widths = problem.widths(found.choice)
    show_table(("layer", "bits"), [(name, width_text(w)) for name, w in widths.items()])
    show_totals(problem.costs(found), found.gap, table)
    if method == "interaction":
        print(result.words)
    return to_bit_allocation(problem, table, found, method, inputs), facts


def _by(method: Method, problem: TableProblem) -> Allocation:
    from qcore.allocate import InfeasibleBudget
    from qcore.allocate.solve import solve

    try:
        return solve(problem, method)
    except InfeasibleBudget as error:
        if method not in ("greedy-accuracy", "greedy-compression"):
            raise
        raise BadInput(
            f"{method} does not get within the budgets, which does not say that none can be met; "
            "use --method ilp"
        ) from error


def _of_kernels(
    problem: TableProblem, table: SensitivityTable, inputs: Clipping
) -> tuple[BitAllocation, dict[str, Any]]:
    from qcore.allocate.chosen import kernels_to_bit_allocation
    from qcore.allocate.kernels import estimates_of
    from qcore.allocate.refused import refused
    from qcore.allocate.solve import solve_kernels

    with refused(table.config.quantity, problem.offsets):
        kernels, found = solve_kernels(problem, estimates_of(table))
    chosen = kernels_to_bit_allocation(kernels, table, found, "lagrangian", inputs)
    rows = [(name, spread_text(bits)) for name, bits in chosen.bits.items()]
    show_table(("layer", "kernels at each width"), rows)
    show_totals(kernels.costs(found), found.gap, table)
    return chosen, {}
