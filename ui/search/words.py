"""A race and what came of it in words."""

from __future__ import annotations

from qcore.agents.references import References
from ui import format as fmt
from ui.allocation import signed, units
from ui.search.race import Race, evaluations, hardly_learns, warm_up
from ui.search.scale import Scale
from ui.search.standing import Competitor, Standing

_BY = {
    "predicted": "predicted loss",
    "interaction": "predicted loss with interactions",
    "measured": "measured loss",
}
_ABOUT = {
    "optimum": "The integer program's answer: proven that nothing within the budget is better.",
    "integer program": "What the integer program finds: proven of the sum of the layers' ΔL, not "
    "of the loss that agents are rewarded by here. They may find something better.",
    "prices on the budgets": "There are too many kernels for the integer program: found by giving "
    "the budget a price. The bound says how much better anything could be.",
    "local search": "From the integer program's answer on, changes of one and two layers with "
    "interactions counted. Nothing is proven; agents may find something better.",
}


def reference_name(lines: References) -> str:
    """Example: Optimum."""
    return fmt.capital(lines.title)


def reference_help(lines: References) -> str:
    """What it is, and what is proven of it."""
    return _ABOUT[lines.title]


def race_words(race: Race) -> str:
    """Example: Size at most 45.3 kB · bits for layers · predicted loss · 300 episodes, 3 seeds."""
    asked = race.asked
    limits = (limit_words(name, value) for name, value in asked.budgets)
    parts = [
        *limits,
        "bits for kernels" if asked.per_kernel else "bits for layers",
        f"rewarded by {_BY[asked.evaluator]}"
        + (f" on {asked.images:,} images" if asked.images is not None else ""),
        *([f"{asked.fine_tune_steps} fine-tune steps"] if asked.fine_tune_steps else []),
        *([fmt.plain(asked.hardware)] if asked.hardware is not None else []),
        *([f"layer inputs {asked.inputs} bits"] if asked.inputs is not None else []),
        *([f"{len(asked.pins)} pinned"] if asked.pins else []),
        f"{asked.episodes:,} episodes",
        f"{race.seeds} seed{'s' * (race.seeds != 1)}",
    ]
    return " · ".join(parts)


def budget_title(name: str) -> str:
    """Example: Size; of the loss Predicted ΔL."""
    return "Predicted ΔL" if name == "loss" else units.title(name)


def limit_words(name: str, value: float) -> str:
    """Example: Size at most 45.3 kB."""
    text = signed.loss(value) if name == "loss" else units.bare(name, value)
    return f"{budget_title(name)} at most {text}"


def evaluation_words(now: Standing, free: int) -> str:
    """How many configurations each run evaluates, which random search did too."""
    race = now.race
    counts = {race.title(entry): evaluations(entry, free) for entry in race.agents}
    whole = all(one.finished for one in now.competitors)
    stopped = "" if whole or now.active else " A run that was stopped evaluated fewer."
    if len(set(counts.values())) == 1:
        count = next(iter(counts.values()))
        return (
            f"A whole run evaluates {count:,} configurations in its {race.asked.episodes:,} "
            f"episodes, and random search as many.{stopped}"
        )
    each = ", ".join(f"{title} {count:,}" for title, count in counts.items())
    return (
        f"Configurations that a whole run evaluates in {race.asked.episodes:,} episodes: {each}. "
        "Each agent is to beat the random search with as many: × is how many it draws an episode."
        f"{stopped}"
    )


def verdicts(now: Standing, scale: Scale) -> list[str]:
    """A sentence for each agent: whether it beat the random search beside it, where both have
    evaluated as many configurations."""
    return [_verdict(agent, now.opponent(agent), scale) for agent in now.agents]


def _verdict(agent: Competitor, opponent: Competitor, scale: Scale) -> str:
    own, other = agent.median, opponent.median
    if own is None or other is None or not agent.as_far_as(opponent):
        short = next((one for one in (agent, opponent) if one.done), None)
        why = f"{short.title} was {short.done}" if short else "not all of their runs have ended"
        return f"{agent.title} is not compared with random search: {why}."
    written, others = scale.write(scale.whole(own)), scale.write(scale.whole(other))
    seeds = len(agent.values)
    over = f"medians of {seeds} seeds" if seeds > 1 else "one seed"
    if written == others:
        text = f"**{agent.title} and random search tie** at {written} with as many evaluations"
        return f"{text} ({over}).{random_words(agent)}"
    what = "beat" if own < other else "did not beat"
    return (
        f"**{agent.title} {what} random search** with as many evaluations: {written} against "
        f"{others} ({over}).{random_words(agent)}"
    )


def random_words(agent: Competitor) -> str:
    """Of an agent that had little time to learn."""
    if not hardly_learns(agent.entry):
        return ""
    first = min(warm_up(agent.entry), agent.entry.episodes)
    return f" Its first {first} of {agent.entry.episodes:,} episodes were drawn at random."


def few_words(race: Race) -> str:
    """Beside the button: agents that are asked for too few episodes."""
    each = [
        f"{race.title(one)}'s first {min(warm_up(one), one.episodes)}"
        for one in race.agents
        if hardly_learns(one)
    ]
    if not each:
        return ""
    return f"{fmt.capital(' and '.join(each))} episodes are drawn at random: give it more of them."
