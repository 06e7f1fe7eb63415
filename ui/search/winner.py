"""Who won, in words."""

from __future__ import annotations

from collections.abc import Sequence

from ui.allocation import signed
from ui.search.results import Result
from ui.search.standing import Standing


def winner_words(now: Standing, each: Sequence[Result]) -> list[str]:
    """Who won by the loss that was measured; before all are measured, that they are being."""
    if any(one.pending for one in each):
        return ["Measuring all of them on held-out images …"]
    known = [one for one in each if one.measured_loss is not None]
    if not known:
        return []
    won = min(known, key=lambda one: one.measured_loss or 0.0)
    result = None if won.measured is None else won.measured.result
    assert result is not None
    text = (
        f"**{won.name} has the lowest measured loss**: {signed.loss(result.delta_loss)} on "
        f"{result.samples:,} held-out images."
    )
    agents = [one for one in known if one.name in {agent.title for agent in now.agents}]
    best = min(agents, key=lambda one: one.measured_loss or 0.0, default=None)
    if best is not None and best is not won and best.measured_loss is not None:
        text += f" Of the agents it is {best.name}: {signed.loss(best.measured_loss)}."
    near = [one.name for one in known if one is not won and one.overlaps(won)]
    if near:
        text += f" Within its 95 % interval: {', '.join(near)}."
    return [text]
