"""What was measured, as points of the dial's curve."""

from __future__ import annotations

from collections.abc import Mapping

from qcore.allocate import evaluate
from ui.allocation.from_search import kept_kernels
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
        costs = _costs(row, answer)
        if costs is None or not _alike(row, setting, answer):
            continue
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


def _costs(row: Measured, answer: Answer) -> Mapping[str, float] | None:
    """Of bits per layer by the problem on the dial; bits per kernel are known where they are put
    aside."""
    if row.widths is None:
        kernels = kept_kernels(answer.dialled.kept, answer.bench).values()
        return next((known.costs for known in kernels if known.is_measured_by(row)), None)
    choice = answer.problem.choice_of(row.widths)
    if choice is None:
        return None
    return answer.problem.costs(evaluate(answer.problem.problem, choice))


def _alike(row: Measured, setting: Setting, answer: Answer) -> bool:
    inputs = set(row.inputs.values())
    if answer.bench.table.config.target == "weight" and inputs != {answer.dialled.inputs}:
        return False
    return row.clipping == setting.used_clipping(inputs)
