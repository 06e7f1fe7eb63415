"""How far each competitor has come, as the store has it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import streamlit as st

from qcore.agents.episode import Episode, best_choice, best_values
from qcore.agents.references import References
from qcore.jobs.kept_search import episodes_of, references_of
from qcore.jobs.questions import to_json
from qcore.jobs.search_question import SearchQuestion
from qcore.store.job import Job
from ui.engine import engine
from ui.search.race import Race


@dataclass(frozen=True, eq=False)
class Run:
    """One seed; ``job`` is None where it was never asked, or was removed."""

    asked: SearchQuestion
    job: Job | None
    episodes: tuple[Episode, ...]

    @property
    def active(self) -> bool:
        return self.job is not None and self.job.active and not self.job.lost()

    @property
    def finished(self) -> bool:
        return self.job is not None and self.job.state == "finished"

    @property
    def value(self) -> float | None:
        """The best so far."""
        return best_values(self.episodes)[-1] if self.episodes else None

    @property
    def choice(self) -> tuple[int, ...] | None:
        """The configuration of the best so far."""
        return best_choice(self.episodes)


@dataclass(frozen=True, eq=False)
class Competitor:
    """All seeds of one entry."""

    entry: SearchQuestion
    title: str
    runs: tuple[Run, ...]

    @property
    def active(self) -> bool:
        return any(run.active for run in self.runs)

    @property
    def finished(self) -> bool:
        return all(run.finished for run in self.runs)

    @property
    def values(self) -> tuple[float, ...]:
        """The best so far of each seed that has one."""
        return tuple(run.value for run in self.runs if run.value is not None)

    @property
    def median(self) -> float | None:
        """Of ``values``."""
        return statistics.median(self.values) if self.values else None

    @property
    def best(self) -> Run | None:
        """The seed with the least value so far."""
        known = [(run.value, run.asked.seed, run) for run in self.runs if run.value is not None]
        return min(known, key=lambda one: one[:2])[2] if known else None


@dataclass(frozen=True, eq=False)
class Standing:
    """``references`` are None before the first run has begun."""

    race: Race
    competitors: tuple[Competitor, ...]
    references: References | None

    @property
    def agents(self) -> tuple[Competitor, ...]:
        return tuple(one for one in self.competitors if one.entry.agent != "random")

    @property
    def active(self) -> bool:
        return any(one.active for one in self.competitors)

    def opponent(self, agent: Competitor) -> Competitor:
        """The random search with as many evaluations."""
        wanted = self.race.opponent(agent.entry)
        return next(one for one in self.competitors if one.entry == wanted)


def standing(race: Race) -> Standing:
    """Look it up."""
    each = tuple(
        Competitor(entry, race.title(entry), tuple(_run(one) for one in race.runs(entry)))
        for entry in race.entries
    )
    jobs = (run.job for one in each for run in one.runs if run.job is not None)
    lines = (_references(job.id) for job in jobs if job.attempt_at is not None)
    return Standing(race, each, next((one for one in lines if one is not None), None))


def _run(asked: SearchQuestion) -> Run:
    job = engine().store.find(asked.kind, to_json(asked))
    if job is None:
        return Run(asked, None, ())
    return Run(asked, job, _episodes(job.id, _version(job), job.active))


def _version(job: Job) -> str:
    return f"{job.asked_at}|{job.attempt_at}|{job.fraction}|{job.state}"


def _episodes(job_id: str, version: str, active: bool) -> tuple[Episode, ...]:
    """Those of a run that has ended are kept: there may be many, and pages look often."""
    return episodes_of(engine().store, job_id) if active else _ended(job_id, version)


@st.cache_resource(max_entries=64, show_spinner=False)
def _ended(job_id: str, version: str) -> tuple[Episode, ...]:
    return episodes_of(engine().store, job_id)


def _references(job_id: str) -> References | None:
    return references_of(engine().store, job_id)
