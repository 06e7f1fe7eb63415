"""What allocations of EfficientNet-Lite0's weights truly cost on photographs they were not chosen
on."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from benchmarks.figure import Figure
from benchmarks.photographs import Photographs, photographs
from benchmarks.projecting import projected_table
from qcore.allocate import random_allocations
from qcore.allocate.bits import BitAllocation
from qcore.allocate.budget import TableProblem, table_problem, with_budgets
from qcore.allocate.kernels import estimates_of
from qcore.allocate.solve import solve, solve_kernels, solve_with_interactions
from qcore.calibrate.average import means_for
from qcore.hardware.size import Bits
from qcore.measure.evaluate import evaluate
from qcore.memory import keep_freed_memory
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.table import SensitivityTable

_WIDTHS = (2, 3, 4, 5, 6, 7, 8, 16)
_BUDGETS = (4.0, 4.5, 5.0, 6.0)
_PROBES = 4
_RANDOM = 3


def bench_allocated() -> Iterator[Figure]:
    """Bits per kernel and per layer, greedy, random and uniform, at four sizes."""
    keep_freed_memory()
    data = photographs()
    table = _table(data)
    uniform = {b: _loss(data, dict.fromkeys(_names(data), b)) for b in (4, 5, 6)}
    plain = _loss(data, dict.fromkeys(_names(data), 4), corrected=False)
    for budget in _BUDGETS:
        problem = with_budgets(table_problem(table), {"average_bits": budget})
        kernels, found = solve_kernels(problem, estimates_of(table))
        each = _loss(data, kernels.choose(found.choice))
        layers = _loss(data, problem.choose(solve(problem, "ilp").choice))
        yield Figure(
            f"KL on {len(data.held_out)} others, ILP, {budget} bits on average, {data.title}",
            f"{layers:.4f}",
            _beside(data, table, problem) + _against(budget, layers, uniform, plain),
        )
        word = "better" if each < layers else "worse"
        yield Figure(
            f"bits per kernel, {budget} on average",
            f"{each:.4f}",
            f"{abs(each / layers - 1):.1%} {word} than per layer"
            + _against(budget, each, uniform, plain),
        )


def _table(data: Photographs) -> SensitivityTable:
    images = data.calibration
    config = SensitivityConfig(_WIDTHS, "kl", len(images), method="projected", probes=_PROBES)
    return projected_table(data.network, images, config, data.title)


def _beside(data: Photographs, table: SensitivityTable, problem: TableProblem) -> str:
    """Of the same table, bits per layer: by other methods, and at random."""
    choices = {
        "with interactions": solve_with_interactions(problem, table).allocation.choice,
        "greedy accuracy": solve(problem, "greedy-accuracy").choice,
        "greedy compression": solve(problem, "greedy-compression").choice,
    }
    losses = [f"{name} {_loss(data, problem.choose(c)):.4f}" for name, c in choices.items()]
    budget = problem.problem.budgets["average_bits"]
    drawn = random_allocations(problem.problem, 3000, seed=0)
    within = [a for a in drawn if a.costs["average_bits"] <= budget]
    nearest = sorted(within, key=lambda a: -a.costs["average_bits"])[:_RANDOM]
    middle = median(_loss(data, problem.choose(a.choice)) for a in nearest)
    return ", ".join((*losses, f"random (median of {_RANDOM}) {middle:.2f}"))


def _against(budget: float, loss: float, uniform: dict[int, float], plain: float) -> str:
    if budget not in uniform:
        return ""
    alike = uniform[int(budget)]
    text = f"; uniform {alike:.4f}, {alike / loss:.1f} times as much"
    if budget == 4:
        text += f"; uniform without bias correction {plain:.2f}, {plain / loss:.0f} times as much"
    return text


def _loss(data: Photographs, bits: Bits, corrected: bool = True) -> float:
    """Measured KL divergence from full precision on photographs nothing was chosen on."""
    means = means_for(data.network, data.calibration) if corrected else None
    allocation = BitAllocation(bits)
    return evaluate(data.network, data.held_out, allocation, "kl", means=means).loss


def _names(data: Photographs) -> list[str]:
    return [layer.name for layer in data.network.description.layers]
