"""Start, stop and go on; for buttons."""

from __future__ import annotations

from collections.abc import Iterable

from qcore.jobs.search_question import SearchQuestion
from qcore.prepare.prepared import Prepared
from ui.engine import engine
from ui.jobs import cancel
from ui.search.address import show
from ui.search.race import Race
from ui.search.standing import Competitor


def start(prepared: Prepared, race: Race) -> None:
    """Ask all runs and put the race in view. What the store has an answer to is not run again."""
    _ask(run for entry in race.entries for run in race.runs(entry))
    show(prepared, race)


def stop(competitors: Iterable[Competitor]) -> None:
    """Ask their runs to stop; the best so far is kept."""
    for one in competitors:
        for run in one.runs:
            if run.job is not None and run.active:
                cancel(run.job.id)


def go_on(competitors: Iterable[Competitor]) -> None:
    """Take up again the runs that were stopped, or failed."""
    runs = (run for one in competitors for run in one.runs)
    _ask(run.asked for run in runs if not run.finished and not run.active)


def _ask(runs: Iterable[SearchQuestion]) -> None:
    """Seed by seed, random search first, so that every line soon has something to show."""
    for run in sorted(runs, key=lambda run: (run.seed, run.agent != "random")):
        engine().runner.submit(run)
