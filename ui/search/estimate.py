"""How long a race may take."""

from __future__ import annotations

from qcore.agents.config import AgentName
from qcore.agents.setting import SearchSetting
from qcore.jobs.questions import to_json
from qcore.jobs.search_question import SearchQuestion
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.results import jobs_of
from ui.search.race import Race, evaluations
from ui.search.standing import states

# Seconds of an agent for each step of an episode, on two cores; from then on those of earlier runs.
_STEP_SECONDS: dict[AgentName, float] = {
    "releq": 7e-3,
    "haq": 2e-3,
    "autoq": 9e-4,
    "random": 1e-4,
}
_ALIKE = (
    "agent",
    "settings",
    "config",
    "inputs",
    "per_kernel",
    "evaluator",
    "images",
    "fine_tune_steps",
)


def estimate_words(race: Race, setting: SearchSetting, prepared: Prepared) -> str:
    """Example: 12 runs, one after the other: about 2 min 10 s. What was run already counts not."""
    whole = len(race.entries) * race.seeds
    missing = {entry: sum(state != "finished" for state in found) for entry, found in _runs(race)}
    runs = sum(missing.values())
    if not runs:
        return f"All {whole} runs are in the store: **Race** shows what came of them."
    kept = f" {whole - runs} others were run already." if runs < whole else ""
    count = f"{runs} run{'s' * (runs != 1)}, one after the other"
    each = [(seconds_of(entry, setting, prepared), n) for entry, n in missing.items() if n]
    known = [(seconds, n) for seconds, n in each if seconds is not None]
    if len(known) < len(each):
        return f"{count}; how long they take is not known yet.{kept}"
    return f"{count}: about {fmt.duration(sum(seconds * n for seconds, n in known))}.{kept}"


def _runs(race: Race) -> list[tuple[SearchQuestion, tuple[str | None, ...]]]:
    found = states(race)
    return [
        (entry, found[place * race.seeds : (place + 1) * race.seeds])
        for place, entry in enumerate(race.entries)
    ]


def seconds_of(entry: SearchQuestion, setting: SearchSetting, prepared: Prepared) -> float | None:
    """Of one run: as an earlier one alike took, else by what agents take a step. None where each
    configuration is measured, and how long that takes is not known."""
    earlier = _earlier(entry, prepared)
    if earlier is not None:
        return entry.episodes * earlier
    unknown = entry.fine_tune_steps or setting.table.one_forward_seconds is None
    if entry.evaluator == "measured" and unknown:
        return None
    free = int(setting.task.free.sum())
    count = evaluations(entry, free)
    steps = entry.episodes * free * (2 if setting.task.axes.chooses_inputs else 1)
    taken = (count if entry.agent == "random" else steps) * _STEP_SECONDS[entry.agent]
    return taken + _measuring(entry, setting, count)


def _earlier(entry: SearchQuestion, prepared: Prepared) -> float | None:
    """Seconds an episode of the newest run alike; None where there is none."""
    wanted = to_json(entry)
    for job in jobs_of("search", prepared):
        if job.state == "finished" and all(job.question[n] == wanted[n] for n in _ALIKE):
            return float((job.result or {})["seconds"]) / int(job.question["episodes"])
    return None


def _measuring(entry: SearchQuestion, setting: SearchSetting, count: int) -> float:
    whole, config = setting.table.one_forward_seconds, setting.table.config
    if entry.evaluator != "measured" or whole is None or entry.images is None:
        return 0.0
    return count * whole * entry.images / config.images
