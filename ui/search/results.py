"""What came of a race: a row for each agent, and for what they are measured against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qcore.agents.references import Reference
from qcore.agents.setting import SearchSetting
from qcore.prepare.prepared import DataPair, Prepared
from ui.allocation.clipping import clipping_in_use
from ui.evaluations import Measurement, Setting, measurement, start
from ui.search.standing import Competitor, Standing
from ui.search.words import offset, reference_name


@dataclass(frozen=True, eq=False)
class Result:
    """``value`` is what the race made small, ``gap`` how far it is above the optimum, relative to
    it. ``competitor`` is None of references; ``job`` is that of the best seed. ``measured`` is None
    where there are no held-out images."""

    name: str
    choice: tuple[int, ...]
    value: float
    gap: float | None
    costs: dict[str, float]
    measured: Measurement | None
    competitor: Competitor | None = None
    job: str | None = None
    seed: int | None = None
    evaluations: int | None = None
    seconds: float | None = None

    @property
    def finished(self) -> bool:
        """True of the result of a whole run."""
        best = None if self.competitor is None else self.competitor.best
        return best is not None and best.finished

    @property
    def pending(self) -> bool:
        """True while it is being measured."""
        job = None if self.measured is None else self.measured.job
        return job is not None and job.active and not job.lost()

    def overlaps(self, other: Result) -> bool:
        """True where the measured loss lies within the other's 95 % interval."""
        found = None if other.measured is None else other.measured.result
        own = self.measured_loss
        if found is None or own is None or found.delta_low is None or found.delta_high is None:
            return False
        return found.delta_low <= own <= found.delta_high

    @property
    def measured_loss(self) -> float | None:
        """None before it is measured."""
        found = None if self.measured is None else self.measured.result
        return None if found is None else found.delta_loss


def held_out_setting(setting: SearchSetting, pair: DataPair | None) -> Setting | None:
    """Where configurations are measured; None where the run's data are gone."""
    if pair is None:
        return None
    return Setting(pair, setting.table.config.objective, clipping_in_use(setting.table))


def results(
    prepared: Prepared, now: Standing, setting: SearchSetting, held: Setting | None
) -> list[Result]:
    """Agents, then the optimum and the uniform network, then random search; without those that
    have found nothing yet."""
    agents = [_of(prepared, now, one, setting, held) for one in now.agents]
    random = [one for one in now.competitors if one.entry.agent == "random"]
    lines = now.references
    known = (
        []
        if lines is None
        else [(reference_name(now.race), lines.optimum), ("Best uniform", lines.uniform)]
    )
    levels = [
        _reference(prepared, now, name, line, setting, held)
        for name, line in known
        if line is not None
    ]
    chance = [_of(prepared, now, one, setting, held) for one in random]
    return [one for one in (*agents, *levels, *chance) if one is not None]


def measure_all(each: Iterable[Result]) -> None:
    """Measure what nobody has asked for yet. What failed or was cancelled stays so."""
    missing = {
        repr(one.measured.question): one.measured
        for one in each
        if one.measured is not None and one.measured.job is None
    }
    start(missing.values())


def _of(
    prepared: Prepared,
    now: Standing,
    one: Competitor,
    setting: SearchSetting,
    held: Setting | None,
) -> Result | None:
    best = one.best
    if best is None or best.choice is None or best.value is None or best.job is None:
        return None
    last = best.episodes[-1]
    value = best.value + offset(now.race, setting)
    return Result(
        one.title,
        best.choice,
        value,
        _gap(now, setting, value),
        setting.costs(best.choice),
        _measurement(prepared, best.choice, setting, held),
        one,
        best.job.id,
        best.asked.seed,
        last.evaluations,
        last.seconds,
    )


def _reference(
    prepared: Prepared,
    now: Standing,
    name: str,
    line: Reference,
    setting: SearchSetting,
    held: Setting | None,
) -> Result:
    value = line.value + offset(now.race, setting)
    return Result(
        name,
        line.choice,
        value,
        _gap(now, setting, value),
        setting.costs(line.choice),
        _measurement(prepared, line.choice, setting, held),
    )


def _gap(now: Standing, setting: SearchSetting, value: float) -> float | None:
    """Above the optimum, relative to it; None where that is nothing or less."""
    if now.references is None:
        return None
    best = now.references.optimum.value + offset(now.race, setting)
    return (value - best) / best if best > 0 else None


def _measurement(
    prepared: Prepared, choice: tuple[int, ...], setting: SearchSetting, held: Setting | None
) -> Measurement | None:
    if held is None:
        return None
    return measurement(prepared, setting.bits(choice), setting.inputs(choice), held)
