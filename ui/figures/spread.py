"""Room for labels that would lie on each other."""

from __future__ import annotations

from collections.abc import Sequence


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Places at least ``gap`` apart, in the same order, moved as little as that takes.

    Labels that collide share a block around the mean of where they want to be (least squares with
    order kept, by pooling neighbours). Example: (0, 1, 10) with a gap of 4 become (-1.5, 2.5, 10).
    """
    order = sorted(range(len(places)), key=lambda i: places[i])
    blocks: list[list[float]] = []  # of wanted places, each less its offset in the whole row
    for rank, i in enumerate(order):
        blocks.append([places[i] - rank * gap])
        while len(blocks) > 1 and _mean(blocks[-2]) > _mean(blocks[-1]):
            last = blocks.pop()
            blocks[-1].extend(last)
    level = [_mean(block) for block in blocks for _ in block]
    found = [0.0] * len(places)
    for rank, i in enumerate(order):
        found[i] = level[rank] + rank * gap
    return found


def spread_within(places: Sequence[float], gap: float, height: float) -> list[float]:
    """The same between 0 and ``height``, half a gap from either, as long as there is room for all.
    Example: (9, 9.5) with a gap of 4 and a height of 10 become (4, 8)."""
    found = spread(places, gap)
    order = sorted(range(len(found)), key=lambda i: found[i])
    for rank, i in enumerate(order):
        found[i] = max(found[i], gap * (rank + 0.5))
    for rank, i in enumerate(reversed(order)):
        found[i] = min(found[i], height - gap * (rank + 0.5))
    return found


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
