"""The commands that choose bits: allocate and frontier."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

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
    from qcore.sensitivity.config import Width
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
    from qcore.cli.files import read_table

    table, hardware = on_hardware(arguments, read_table(arguments.table))
    problem = table_problem(table, activation_bits=arguments.activation_bits, hardware=hardware)
    exactly: dict[str, list[float]] = {}
    for name, value in arguments.at:
        check_budgets(with_budgets(problem, {name: value}), {name: value})
        exactly.setdefault(name, []).append(value)
    with _refused(table, problem.offsets):
        points = frontier_points(problem, exactly)
    rows = [
        (f"{p.size_bytes:,.0f}", f"{p.average_bits:.3f}", f"{p.predicted_loss:+.4e}", p.kind)
        for p in points
    ]
    quantity = table.config.quantity_in_unit()
    show_table(("bytes", "average bits", f"predicted {quantity}", "found by"), rows)
    return {"points": [point.to_json() for point in points]}


def unique(pairs: list[tuple[str, Any]], what: str) -> dict[str, Any]:
    """The pairs by name. BadInput for a name that is given twice."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise BadInput(f"{what} {name!r} is given twice; give it once")
        result[name] = value
    return result


def _problem(
    arguments: argparse.Namespace,
    table: SensitivityTable,
    hardware: Hardware | None,
    budgets: dict[str, float],
) -> TableProblem:
    from qcore.allocate.budget import table_problem

    pins = unique(arguments.pin, "pin")
    groups = [names.split(",") for names in arguments.group]
    indices = tuple(_group(names, table) for names in groups)
    _check_groups(groups, pins)
    return table_problem(
        table,
        budgets,
        pins,
        activation_bits=arguments.activation_bits,
        hardware=hardware,
        groups=indices,
    )


def _group(names: list[str], table: SensitivityTable) -> tuple[int, ...]:
    known = [layer.name for layer in table.network.layers]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInput(f"no layer is called {unknown[0]!r}; describe lists the names")
    return tuple(known.index(name) for name in names)


def _check_groups(groups: list[list[str]], pins: dict[str, Width]) -> None:
    """BadInput for a layer in two groups, and for pins that a group cannot keep."""
    every = [name for group in groups for name in group]
    twice = next((name for name in every if every.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"layer {twice!r} is in two groups, or twice in one; name it once")
    for group in groups:
        pinned = {name: pins[name] for name in group if name in pins}
        if len(set(pinned.values())) > 1:
            raise BadInput(f"{' and '.join(pinned)} are one group and pinned to different bits")


def _of_layers(
    method: Method, problem: TableProblem, table: SensitivityTable, inputs: Clipping
) -> tuple[BitAllocation, dict[str, Any]]:
    """The configuration, and what else its method says of it."""
    from qcore.allocate.chosen import to_bit_allocation
    from qcore.allocate.solve import solve_with_interactions
    from qcore.sensitivity.width_text import width_text

    facts: dict[str, Any] = {}
    with _refused(table, problem.offsets):
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
    from qcore.allocate.solve import solve_kernels

    with _refused(table, problem.offsets):
        kernels, found = solve_kernels(problem, estimates_of(table))
    chosen = kernels_to_bit_allocation(kernels, table, found, inputs)
    rows = [(name, spread_text(bits)) for name, bits in chosen.bits.items()]
    show_table(("layer", "kernels at each width"), rows)
    show_totals(kernels.costs(found), found.gap, table)
    return chosen, {}


@contextlib.contextmanager
def _refused(table: SensitivityTable, offsets: Mapping[str, float]) -> Iterator[None]:
    """BadInput for budgets that cannot be met, with the nearest that can, and for too little time.

    ``offsets``: what no layer decides of each cost.
    """
    from qcore.allocate import InfeasibleBudget, SolverTimeout
    from qcore.allocate.budget import round_up

    try:
        yield
    except InfeasibleBudget as error:
        nearest = round_up(error.nearest + offsets[error.name])
        raise BadInput(
            f"the budgets cannot be met together; nearest feasible: {error.name}={nearest}, where "
            f"the predicted {table.config.quantity} is {error.allocation.costs['loss']:+.4e}"
        ) from error
    except SolverTimeout as error:
        raise BadInput(str(error)) from error
