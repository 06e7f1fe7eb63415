"""Which uncertain cells of a loss table decide allocations: what it is worth to measure them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qcore.allocate.frontier import Frontier, frontier
from qcore.allocate.problem import AllocationProblem, FloatArray

_BUDGETS = 64  # budgets looked at, evenly spaced between the cheapest and the dearest allocation
# In the unit of the loss, nats or relative squared error. Above the first the network is hardly
# usable and losses do not add up any more; differences below the second nobody can measure.
_USABLE = 0.1
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True, eq=False)
class Bands:
    """What is known of each cell: its loss, and between which values it may truly be.

    Each has shape (layers, options). A cell that has been measured has ``low == high``.
    """

    loss: FloatArray
    low: FloatArray
    high: FloatArray


def worth_measuring(bands: Bands, cost: FloatArray) -> FloatArray:
    """(layers, options): how much of its loss an allocation is expected to save by each true value.

    At a budget's shadow price every layer takes its option of least loss + price * cost (Everett
    1963). The margin of an option is the loss at which that choice would change. With the truth
    evenly spread over the band, knowing it saves, on average, how far it may lie beyond the margin:
    the value of perfect information (Howard 1966, "Information Value Theory"). So a cell whose band
    does not reach its margin is worth nothing. The saving is divided by the loss of the whole
    allocation and averaged over budgets, evenly spaced; those at which the network is unusable
    (above 0.1, where any is below) do not count. ``cost`` has the shape of ``bands.loss``.

    One layer, one price of 1: options of loss 3 and cost 0, and of loss 1 and cost 1. The second
    is taken; the margin of the first is 1 + 1 = 2. If its band is 1 to 5, it saves (2 - 1)^2 / 8
    = 0.125 on average to know it.
    """
    worth = np.zeros_like(bands.loss)
    if bands.loss.shape[1] < 2:
        return worth
    points = frontier(AllocationProblem(bands.loss, {"cost": cost}, {}), "cost")
    for price, weight in _budgets(points):
        worth += weight * _saved(bands, price * cost)
    return worth


def most_useful(
    worth: FloatArray, passes: FloatArray, within: float
) -> tuple[tuple[int, int], ...]:
    """Cells (layer, option) in the order of worth per forward pass, as many as fit ``within``.

    ``passes`` (layers,) is what measuring one cell of the layer takes. Cells of no worth are never
    chosen. Example: worths 6, 1 and 2 that take 3, 1 and 1 passes, within 3: the first alone.
    """
    options = worth.shape[1]
    ratio = (worth / passes[:, None]).ravel()
    spent, found = 0.0, []
    for cell in np.argsort(-ratio, kind="stable").tolist():
        layer, option = divmod(cell, options)
        if not ratio[cell] > 0:
            break
        if spent + passes[layer] <= within:
            spent += passes[layer]
            found.append((layer, option))
    return tuple(found)


def _budgets(points: Frontier) -> list[tuple[float, float]]:
    """(shadow price, weight) of every budget that counts."""
    if len(points) < 2:
        return []
    steps = -np.diff(points.loss) / np.diff(points.cost)
    # Between the step before a corner and the one after it no layer has two best options.
    ends = np.concatenate([[2 * steps[0]], steps, [steps[-1] / 2]])
    prices = np.sqrt(ends[:-1] * ends[1:])
    places = np.linspace(points.cost[0], points.cost[-1], _BUDGETS + 2)[1:-1]
    losses = np.interp(places, points.cost, points.loss)
    usable = max(_USABLE, 2 * points.loss[-1])  # of a network that is unusable throughout, the best
    corners = np.searchsorted(points.cost, places, side="right") - 1
    return [
        (float(prices[corner]), 1 / max(float(loss), _NEGLIGIBLE) / _BUDGETS)
        for corner, loss in zip(corners, losses, strict=True)
        if loss <= usable
    ]


def _saved(bands: Bands, charged: FloatArray) -> FloatArray:
    """What knowing each cell saves, on average, at one price; ``charged`` is price * cost."""
    total = bands.loss + charged
    best = np.arange(total.shape[1]) == total.argmin(1)[:, None]
    two = np.partition(total, 1, axis=1)
    margin = np.where(best, two[:, 1:2], two[:, :1]) - charged
    width = bands.high - bands.low
    beyond = np.where(best, bands.high - margin, margin - bands.low).clip(0, None)
    # Beyond the whole band: the truth is surely on the other side, by the distance of its middle.
    inside = np.minimum(beyond, width)
    average = np.divide(inside**2, 2 * width, out=np.zeros_like(width), where=width > 0)
    return np.where(width > 0, average + (beyond - inside), 0.0)
