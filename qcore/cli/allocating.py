"""The commands that choose bits: allocate and frontier."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from qcore.cli.show import show_table
from qcore.errors import BadInput

if TYPE_CHECKING:
    from qcore.allocate.bits import BitAllocation
    from qcore.allocate.budget import TableProblem
    from qcore.allocate.problem import Allocation
    from qcore.calibrate.clipping import Clipping
    from qcore.quantize.limits import WeightBits
    from qcore.sensitivity.table import SensitivityTable


def allocate(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.allocate.budget import check_budgets, width_text
    from qcore.allocate.chosen import to_bit_allocation
    from qcore.cli.clipping import clipping_of
    from qcore.cli.files import read_table

    table, inputs = read_table(arguments.table), clipping_of(arguments)
    budgets = unique(arguments.budget, "budget")
    problem = _problem(arguments, table, budgets)
    check_budgets(problem, budgets)
    if arguments.per_kernel:
        return _allocate_kernels(problem, table, inputs)
    found, facts = _solved(arguments.method, problem, table)
    chosen = to_bit_allocation(problem, table, found, arguments.method, inputs)
    widths = problem.widths(found.choice)
    show_table(("layer", "bits"), [(name, width_text(w)) for name, w in widths.items()])
    _show_totals(problem.costs(found), found.gap, table)
    ledger = _ledger(table, chosen)
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

    table = read_table(arguments.table)
    problem = table_problem(table)
    exactly: dict[str, list[float]] = {}
    for name, value in arguments.at:
        check_budgets(with_budgets(problem, {name: value}), {name: value})
        exactly.setdefault(name, []).append(value)
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
    arguments: argparse.Namespace, table: SensitivityTable, budgets: dict[str, float]
) -> TableProblem:
    from qcore.allocate.budget import table_problem

    return table_problem(
        table,
        budgets,
        unique(arguments.pin, "pin"),
        activation_bits=arguments.activation_bits,
        hardware=arguments.hardware,
        groups=tuple(_group(names, table) for names in arguments.group),
    )


def _group(names: str, table: SensitivityTable) -> tuple[int, ...]:
    known = [layer.name for layer in table.network.layers]
    unknown = [name for name in names.split(",") if name not in known]
    if unknown:
        raise BadInput(f"no layer is called {unknown[0]!r}; describe lists the names")
    return tuple(known.index(name) for name in names.split(","))


def _solved(
    method: Any, problem: TableProblem, table: SensitivityTable
) -> tuple[Allocation, dict[str, Any]]:
    """The allocation, and what else its method says of it."""
    from qcore.allocate import InfeasibleBudget, SolverTimeout
    from qcore.allocate.budget import round_up
    from qcore.allocate.solve import solve, solve_with_interactions

    try:
        if method != "interaction":
            return solve(problem, method), {}
        found = solve_with_interactions(problem, table)
        print(found.words, file=sys.stderr)
        return found.allocation, {"interaction": found.facts()}
    except InfeasibleBudget as error:
        nearest = round_up(error.nearest + problem.offsets[error.name])
        raise BadInput(
            f"budgets {', '.join(problem.problem.budgets)} cannot be met together; nearest "
            f"feasible: {error.name}={nearest}, where the predicted {table.config.quantity} is "
            f"{error.allocation.costs['loss']:+.4e}"
        ) from error
    except SolverTimeout as error:
        raise BadInput(str(error)) from error


def _show_totals(costs: dict[str, float], gap: float | None, table: SensitivityTable) -> None:
    loss = f"{costs['loss']:+.4e} {table.config.unit}".strip()
    proof = "optimality not proven" if gap is None else f"gap {gap:.1e}"
    print(
        f"\npredicted {table.config.quantity} {loss}; {costs['size_bytes']:,.0f} bytes, "
        f"{costs['average_bits']:.3f} bits on average, {costs['bops']:,.0f} bit operations, {proof}"
    )
    timed = {"latency_ms": "ms", "energy_mj": "mJ"}
    parts = [f"{costs[name]:,.4g} {unit}" for name, unit in timed.items() if name in costs]
    if parts:
        print(f"{', '.join(parts)} a batch on the chosen hardware")


def _ledger(table: SensitivityTable, chosen: BitAllocation) -> dict[str, Any]:
    """Bytes by what they hold, and both ratios."""
    from qcore.hardware.size import full_precision_bytes, layers_ratio, network_ratio, size_ledger

    network, corrected = table.network, chosen.corrects_biases
    ledger = size_ledger(network, chosen.bits, corrected)
    parts = {name: count for name, count in asdict(ledger).items() if count}
    layers = layers_ratio(network, chosen.bits)
    whole = network_ratio(network, chosen.bits, corrected)
    words = {name: name.removesuffix("_bytes") for name in parts}
    print(", ".join(f"{words[name]} {count:,}" for name, count in parts.items()) + " bytes")
    print(
        f"{1 / whole:.2f} times smaller than the whole network at 32 bit "
        f"({full_precision_bytes(network):,} bytes)"
        + ("" if not layers else f"; its quantized layers {1 / layers:.2f} times")
    )
    ratios = {"network_ratio": whole, "layers_ratio": layers}
    return {"ledger": {**asdict(ledger), "total_bytes": ledger.total_bytes, **ratios}}


def _allocate_kernels(
    problem: TableProblem, table: SensitivityTable, inputs: Clipping
) -> dict[str, Any]:
    from qcore.allocate.chosen import kernels_to_bit_allocation
    from qcore.allocate.solve import solve_kernels

    kernels, found = solve_kernels(problem, table)
    chosen = kernels_to_bit_allocation(kernels, table, found, inputs)
    rows = [(name, _spread(bits)) for name, bits in chosen.bits.items()]
    show_table(("layer", "kernels at each width"), rows)
    _show_totals(kernels.costs(found), found.gap, table)
    return chosen.to_json() | _ledger(table, chosen)


def _spread(bits: WeightBits | None) -> str:
    """``12 x 3, 4 x 5``: how many kernels have which width."""
    if not isinstance(bits, tuple):
        return f"all {bits}"
    counts = Counter(bits)
    return ", ".join(f"{counts[width]} x {width}" for width in sorted(counts))
