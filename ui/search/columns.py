"""What the table of a race says of each result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qcore.agents.setting import SearchSetting
from ui import format as fmt
from ui.allocation import signed, units
from ui.search.results import Result
from ui.search.scale import Scale, alike
from ui.search.standing import Standing

_HELD_OUT = "Measured on images that no agent saw. ±: the 95 % interval."


@dataclass(frozen=True)
class Column:
    """``about`` is the help beside ``head``."""

    head: str
    width: float
    text: Callable[[Result], str]
    about: str = ""


def columns(now: Standing, setting: SearchSetting, scale: Scale) -> list[Column]:
    """The value, the measured loss, costs, how far above the solver, and what it took."""
    several = now.race.seeds > 1
    loss = setting.table.config.quantity_in_unit()
    searched = "Searched: " if now.race.asked.evaluator == "measured" else ""
    head = f"{searched}{scale.title}"
    found = [
        Column(
            fmt.capital(head),
            1.7,
            lambda one: _value(one, scale),
            "Of the best seed; below it the median over seeds." if several else "",
        ),
        Column(f"Held-out {loss}", 1.6, _measured, _HELD_OUT),
    ]
    if not now.race.saves:
        found.append(Column("Size", 1.0, lambda one: _cost("size_bytes", one)))
    if "latency_ms" in setting.layers.names and setting.kernels is None:
        found.append(Column("Latency", 1.0, lambda one: _cost("latency_ms", one)))
    if now.references is not None:
        proven = now.references.title == "optimum"
        above = "Above optimum" if proven else "Above solver"
        about = f"How far above what the solver ({now.references.title}) finds."
        best = " (best seed)" if several else ""
        found.append(Column(f"{above}{best}", 1.2, lambda one: _above(one, scale), about))
    found.append(Column("Tried, time", 1.0, _effort, "Configurations evaluated, and how long."))
    return found


def _value(one: Result, scale: Scale) -> str:
    text = f"**{scale.write(one.value)}**"
    agent = one.competitor
    if agent is None or agent.median is None or len(agent.values) == 1:
        return text
    return f"{text}  \n:small[median {scale.write(scale.whole(agent.median))}]"


def _measured(one: Result) -> str:
    found = one.measured
    if found is None or found.job is None:
        return "–"
    result = found.result
    if result is None:
        return "measuring …" if found.job.active else found.job.state
    if result.delta_low is None or result.delta_high is None:
        return f"**{signed.loss(result.delta_loss)}**"
    half = (result.delta_high - result.delta_low) / 2
    middle, around = alike(result.delta_loss, half)
    return f"**{middle}**  \n:small[± {around.removeprefix('+')}]"


def _cost(name: str, one: Result) -> str:
    return units.amount(name, one.costs[name])


def _above(one: Result, scale: Scale) -> str:
    """Relative, where that says nothing the difference."""
    if one.gap is not None:
        percent = 100 * one.gap
        text = f"{percent:.1f}" if abs(percent) < 100 else f"{percent:,.0f}"
        return f"{text.replace('-', '−')} %"
    return "–" if one.over is None else scale.write(one.over)


def _effort(one: Result) -> str:
    if one.evaluations is None or one.seconds is None:
        return "–"
    return f"{one.evaluations:,}  \n:small[{fmt.duration(one.seconds)}]"
