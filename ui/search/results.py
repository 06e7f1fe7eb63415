"""What came of a race: a row for each agent, and for what they are measured against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qcore.agents.references import Reference, above
from qcore.agents.setting import SearchSetting
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import DataPair, Prepared
from ui.allocation.clipping import clipping_in_use
from ui.evaluations import Measurement, Setting, measurement, start
from ui.search.scale import scale_of
from ui.search.standing import Competitor, Standing
from ui.search.words import reference_name


@dataclass(frozen=True, eq=False)
class Result:
    """``value`` is what the race made small, with what no layer decides. ``gap`` is how far it is
    above what the solver finds, relative to it, None where that says nothing; ``over`` is the
    difference. ``competitor`` is None of references; ``job`` is that of the best seed, ``seed`` its
    number from 1. ``measured`` is None where there are no held-out images."""

    name: str
    choice: tuple[int, ...]
    value: float
    gap: float | None
    over: float | None
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
        best = None if self.competitor is None else self.competitor.best_run
        return best is not None and best.finished

    @property
    def called(self) -> str:
        """Its name in a sentence. Example: HAQ (stopped after 26 of 300 episodes)."""
        done = "" if self.competitor is None else self.competitor.done
        return f"{self.name} ({done})" if done else self.name

    @property
    def pending(self) -> bool:
        """True while it is being measured."""
        job = None if self.measured is None else self.measured.job
        return job is not None and job.active and not job.lost()

    def overlaps(self, other: Result) -> bool:
        """True where the measured loss lies within the other's 95 % interval."""
        found, own = other.evaluation, self.evaluation
        if found is None or own is None or found.delta_low is None or found.delta_high is None:
            return False
        return found.delta_low <= own.delta_loss <= found.delta_high

    @property
    def evaluation(self) -> Evaluation | None:
        """On held-out images; None before it is measured."""
        return None if self.measured is None else self.measured.result


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
        else [(reference_name(lines), lines.optimum), ("Best uniform", lines.uniform)]
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
    run = one.best_run
    best = None if run is None else run.best
    if run is None or best is None or best.choice is None or run.job is None:
        return None
    last = run.episodes[-1]
    return Result(
        one.title,
        best.choice,
        scale_of(now.race, setting).whole(best.value),
        *_gap(now, setting, best.value),
        setting.costs(best.choice),
        _measurement(prepared, best.choice, setting, held),
        one,
        run.job.id,
        run.number,
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
    return Result(
        name,
        line.choice,
        scale_of(now.race, setting).whole(line.value),
        *_gap(now, setting, line.value),
        setting.costs(line.choice),
        _measurement(prepared, line.choice, setting, held),
    )


def _gap(now: Standing, setting: SearchSetting, value: float) -> tuple[float | None, float | None]:
    """Above what the solver finds: relative to it, and as a difference. Of measured losses the
    first says nothing: these may be 0, or less."""
    if now.references is None:
        return None, None
    scale = scale_of(now.race, setting)
    best, own = scale.whole(now.references.optimum.value), scale.whole(value)
    measured = now.race.asked.evaluator == "measured" and not now.race.saves
    return None if measured else above(own, best), own - best


def _measurement(
    prepared: Prepared, choice: tuple[int, ...], setting: SearchSetting, held: Setting | None
) -> Measurement | None:
    if held is None:
        return None
    return measurement(prepared, setting.bits(choice), setting.inputs(choice), held)
