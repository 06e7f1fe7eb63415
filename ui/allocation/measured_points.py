"""What was measured, as points of the dial's curve."""

from __future__ import annotations

from qcore.allocate import evaluate
from ui.allocation.held_out import HeldOut
from ui.allocation.measured_table import label
from ui.allocation.workbench import Answer
from ui.components.live_dial import DialMeasured
from ui.evaluations import Measured, Setting


def measured_points(held: HeldOut, answer: Answer) -> tuple[DialMeasured, ...]:
    """Those measured as this answer would be: same inputs, same clipping."""
    if answer.allocation is None:
        return ()
    points, setting = [], held.setting
    for row in held.rows:
        choice = None if row.widths is None else answer.problem.choice_of(row.widths)
        if choice is None or not _alike(row, setting, answer):
            continue
        costs = answer.problem.costs(evaluate(answer.problem.problem, choice))
        result = row.evaluation
        points.append(
            DialMeasured(
                f"{label(row, setting, answer)}, {row.average_bits:.2f} bits on average",
                costs,
                result.delta_loss,
                result.delta_low,
                result.delta_high,
            )
        )
    return tuple(points)


def _alike(row: Measured, setting: Setting, answer: Answer) -> bool:
    inputs = set(row.inputs.values())
    if answer.bench.table.config.target == "weight" and inputs != {answer.dialled.inputs}:
        return False
    return row.clipping == setting.used_clipping(inputs)
