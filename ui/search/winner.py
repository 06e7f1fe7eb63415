"""Who won, in words."""

from __future__ import annotations

from collections.abc import Sequence

from qcore.measure.evaluation import Evaluation
from ui.allocation import signed
from ui.search.results import Result
from ui.search.scale import Scale
from ui.search.standing import Standing


def winner_words(now: Standing, each: Sequence[Result], scale: Scale) -> list[str]:
    """Who won by the loss that was measured, of a race for size by the size; before all are
    measured, that they are being."""
    if not each:
        return []
    found = _smallest(each, scale) if now.race.saves else []
    if any(one.pending for one in each):
        return [*found, "Measuring all of them on held-out images …"]
    known = [(one, one.evaluation) for one in each if one.evaluation is not None]
    if not known:
        return found
    if now.race.saves:
        return [*found, _limit_words(dict(now.race.asked.budgets)["loss"], known)]
    return [_lowest(now, known)]


def _smallest(each: Sequence[Result], scale: Scale) -> list[str]:
    least = min(each, key=lambda one: one.value)
    text = scale.write(least.value)
    names = [one.called for one in each if scale.write(one.value) == text]
    verb = "is the smallest network" if len(names) == 1 else "are equally small, the smallest"
    return [f"**{_joined(names)} {verb}**: {text}."]


def _limit_words(limit: float, known: Sequence[tuple[Result, Evaluation]]) -> str:
    """A limit of predicted loss may be exceeded when measured."""
    kept = [one.called for one, found in known if found.delta_loss <= limit]
    over = [
        f"{one.called} ({signed.loss(found.delta_loss)})"
        for one, found in known
        if found.delta_loss > limit
    ]
    parts = [f"kept by {_joined(kept)}"] if kept else []
    parts += [f"**exceeded** by {_joined(over)}"] if over else []
    return (
        f"The limit of ΔL, {signed.loss(limit)}, is of the prediction. Measured on "
        f"{known[0][1].samples:,} held-out images it is {', '.join(parts)}."
    )


def _lowest(now: Standing, known: Sequence[tuple[Result, Evaluation]]) -> str:
    won, least = min(known, key=lambda one: one[1].delta_loss)
    text = signed.loss(least.delta_loss)
    ties = [one for one, found in known if signed.loss(found.delta_loss) == text]
    verb = "has the lowest measured loss" if len(ties) == 1 else "tie for the lowest measured loss"
    words = f"**{_joined([one.called for one in ties])} {verb}**: {text} on {least.samples:,} "
    words += "held-out images."
    titles = {agent.title for agent in now.agents}
    agents = [(one, found) for one, found in known if one.name in titles]
    if agents and not any(one.name in titles for one in ties):
        best, found = min(agents, key=lambda one: one[1].delta_loss)
        words += f" Of the agents it is {best.called}: {signed.loss(found.delta_loss)}."
    near = [one.called for one, _ in known if one not in ties and one.overlaps(won)]
    return f"{words} Within its 95 % interval: {_joined(near)}." if near else words


def _joined(names: Sequence[str]) -> str:
    """Example: A, B and C."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
