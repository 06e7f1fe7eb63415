"""States and answers in words."""

from __future__ import annotations

import statistics

from qcore.allocate.curve import best_uniform
from ui.allocation import signed, units
from ui.allocation.dialled import Dialled
from ui.allocation.workbench import Answer


def state_words(answer: Answer) -> str:
    """Example: 4.00 bits, 2 pins, ΔL +0.031."""
    dialled = answer.dialled
    parts = [units.bare(dialled.budget, answer.value)]
    if dialled.second is not None:
        parts.append(f"{units.title(dialled.second[0])} ≤ {units.bare(*dialled.second)}")
    if dialled.inputs is not None:
        parts.append(f"inputs {dialled.inputs} bits")
    if dialled.pins:
        parts.append(_pins(dialled))
    if dialled.kept:
        parts.append(f"{len(dialled.kept)} kept")
    if dialled.method != "ilp":
        parts.append("interaction-aware")
    if answer.infeasible is not None:
        parts.append("not feasible")
    elif answer.allocation is not None:
        parts.append(f"ΔL {signed.loss(answer.allocation.costs['loss'])}")
    return ", ".join(parts)


def _pins(dialled: Dialled) -> str:
    count = len(dialled.pins)
    return f"{count} pin{'s' * (count != 1)}"


def proof_words(answer: Answer) -> str:
    """How good the answer is known to be."""
    if answer.infeasible is not None:
        name = answer.infeasible.name
        return f"Not feasible; shown is the best at {units.bare(name, answer.infeasible.nearest)}"
    if answer.allocation is None:
        return "Not solved in time"
    seconds = f"{answer.seconds:.2f} s" if answer.seconds >= 0.01 else "less than 0.01 s"
    gap = answer.allocation.gap
    if gap is None:
        return f"Best found, nothing proven, in {seconds}"
    proof = f"Proven within {100 * gap:.2g} %" if gap > 0 else "Proven optimal (gap 0)"
    return f"{proof} in {seconds}"


def uniform_words(answer: Answer) -> str:
    """What the best uniform configuration within the same budgets is predicted to do."""
    limits = answer.problem.problem.budgets
    known = {name: value + answer.problem.offsets[name] for name, value in limits.items()}
    best = best_uniform(answer.problem, known)
    if best is None:
        return "No uniform configuration is within the budget."
    return (
        f"Best uniform within the budget: {statistics.mode(best.bits.values())} bits in every "
        f"layer{' that is not pinned' * bool(answer.dialled.pins)}, predicted "
        f"ΔL {signed.loss(best.predicted_loss)}."
    )


def predicted_label(answer: Answer) -> str:
    """What the prediction is called: of a table of weights alone the inputs are not in it."""
    alone = answer.dialled.inputs is not None and answer.bench.table.config.target == "weight"
    return "Predicted ΔL, weights alone" if alone else "Predicted ΔL"
