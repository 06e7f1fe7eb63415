"""How far each competitor has come, as the store has it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import streamlit as st

from qcore.agents.episode import Episode, best_episode
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
    def best(self) -> Episode | None:
        """The one of the best so far."""
        return best_episode(self.episodes)

    @property
    def number(self) -> int:
        """Seeds as people count them: from 1."""
        return self.asked.seed + 1


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
        return tuple(run.best.value for run in self.runs if run.best is not None)

    @property
    def median(self) -> float | None:
        """Of ``values``."""
        return statistics.median(self.values) if self.values else None

    @property
    def best_run(self) -> Run | None:
        """The seed with the least value so far."""
        known = [(run.best.value, run.asked.seed, run) for run in self.runs if run.best is not None]
        return min(known, key=lambda one: one[:2])[2] if known else None

    @property
    def done(self) -> str:
        """Example: stopped after 26 of 300 episodes; nothing of one that has finished, or runs."""
        if self.active or self.finished:
            return ""
        told = sum(len(run.episodes) for run in self.runs)
        return f"stopped after {told:,} of {self.entry.episodes * len(self.runs):,} episodes"

    def as_far_as(self, other: Competitor) -> bool:
        """True where both have values of all their seeds, of each after as many episodes."""
        own, others = ([len(run.episodes) for run in one.runs] for one in (self, other))
        complete = len(self.values) == len(other.values) == len(self.runs)
        return complete and own == others


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
    lines = (references_of(engine().store, job.id) for job in jobs if job.attempt_at is not None)
    return Standing(race, each, next((one for one in lines if one is not None), None))


def states(race: Race) -> tuple[str | None, ...]:
    """Of all runs: active, lost or how they ended; None where one was never asked. A page that was
    drawn with others is old."""
    asked = (one for entry in race.entries for one in race.runs(entry))
    return tuple(_state(engine().store.find(one.kind, to_json(one))) for one in asked)


def _state(job: Job | None) -> str | None:
    if job is None:
        return None
    return "lost" if job.lost() else "active" if job.active else job.state


def _run(asked: SearchQuestion) -> Run:
    store = engine().store
    job = store.find(asked.kind, to_json(asked))
    if job is None:
        return Run(asked, None, ())
    if job.active:
        return Run(asked, job, episodes_of(store, job.id))
    version = f"{job.asked_at}|{job.attempt_at}|{job.fraction}|{job.state}"
    return Run(asked, job, _ended(job.id, version))


@st.cache_resource(max_entries=64, show_spinner=False)
def _ended(job_id: str, version: str) -> tuple[Episode, ...]:
    """Those of a run that has ended are kept: there may be many, and pages look often."""
    return episodes_of(engine().store, job_id)
