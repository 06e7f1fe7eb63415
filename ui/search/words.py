"""A race and what came of it in words."""

from __future__ import annotations

from collections.abc import Callable

from qcore.agents.setting import SearchSetting
from ui import format as fmt
from ui.allocation import signed, units
from ui.search.race import Race, evaluations
from ui.search.standing import Competitor, Standing

_BY = {
    "predicted": "predicted loss",
    "interaction": "predicted loss with interactions",
    "measured": "measured loss",
}


def quantity(race: Race, setting: SearchSetting) -> str:
    """What the race makes small, with its unit."""
    if race.saves:
        return "size (bytes)"
    by = {"predicted": "predicted", "interaction": "predicted", "measured": "measured"}
    return f"{by[race.asked.evaluator]} {setting.table.config.quantity_in_unit()}"


def reference_name(race: Race) -> str:
    """Of what the solver finds: the optimum where its loss is the race's own and layers choose."""
    own = race.saves or race.asked.evaluator == "predicted"
    return "Optimum" if own and not race.asked.per_kernel else "Solver"


def writer(race: Race) -> Callable[[float], str]:
    """How values are written. Example: +0.0123; of sizes 45.30 kB."""
    return (lambda value: units.amount("size_bytes", value)) if race.saves else signed.loss


def offset(race: Race, setting: SearchSetting) -> float:
    """What no layer decides, and so is in no agent's value: the bytes that stay 32 bit."""
    return setting.layers.offsets["size_bytes"] if race.saves else 0.0


def race_words(race: Race) -> str:
    """Example: Size at most 45.3 kB · bits for layers · predicted loss · 300 episodes, 3 seeds."""
    asked = race.asked
    limits = (f"{_limit(name, value)}" for name, value in asked.budgets)
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


def _limit(name: str, value: float) -> str:
    if name == "loss":
        return f"Predicted ΔL at most {value:.4g}"
    return f"{units.title(name)} at most {units.bare(name, value)}"


def evaluation_words(race: Race, free: int) -> str:
    """How many configurations each run evaluates, which random search did too."""
    counts = {race.title(entry): evaluations(entry, free) for entry in race.agents}
    if len(set(counts.values())) == 1:
        count = next(iter(counts.values()))
        text = f"Every run evaluates {count:,} configurations in its {race.asked.episodes:,} "
        return f"{text}episodes, and random search as many."
    each = ", ".join(f"{title} {count:,}" for title, count in counts.items())
    return (
        f"Configurations evaluated in {race.asked.episodes:,} episodes: {each}. Each agent is to "
        "beat the random search with as many: × is how many it draws an episode."
    )


def beaten_words(now: Standing) -> list[str]:
    """A sentence for each agent that did not beat the random search beside it."""
    write = writer(now.race)
    found = []
    for agent in now.agents:
        own, other = agent.median, now.opponent(agent).median
        if own is None or other is None or own < other:
            continue
        what = "only equalled" if own == other else "did not beat"
        seeds = f"medians over {now.race.seeds} seeds" if now.race.seeds > 1 else "one seed"
        found.append(
            f"**{agent.title} {what} random search** with as many evaluations: best "
            f"{write(own)} against {write(other)} ({seeds})."
        )
    return found


def spread_words(one: Competitor, added: float, write: Callable[[float], str]) -> str:
    """The range over seeds; of one seed nothing."""
    values = [value + added for value in one.values]
    if len(values) < 2:
        return ""
    return f"{write(min(values))} to {write(max(values))}"
