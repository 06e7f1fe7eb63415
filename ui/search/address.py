"""The race in view: it is in the URL as its jobs, so that a reload or a link finds it again."""

from __future__ import annotations

import re
from dataclasses import replace

import streamlit as st

from qcore.agents.random_search_config import RandomConfig
from qcore.jobs.questions import sensitivity_run, to_json
from qcore.jobs.search_question import SearchQuestion
from qcore.prepare.prepared import Prepared
from qcore.store.job import Job, job_id
from ui.engine import engine
from ui.results import search_of
from ui.search.race import MOST_SEEDS, Race
from ui.state import follow_job, put_in_url

PARAMETER = "race"
NOTE = "search_link_note"
"""Session key: True where the link's race is not here."""

_RACES = "search_races"
_TEXT = re.compile(r"(?P<seeds>[1-9])(?P<ids>(-[0-9a-f]{32}){2,8})")


def race_in_view(prepared: Prepared, data_fingerprint: str) -> Race | None:
    """The link's race, else the one that was in view when this page was left.

    With it comes the sensitivity run that it is about. ``data_fingerprint``: the chosen images;
    a race on others is not taken up again.
    """
    races: dict[str, str] = st.session_state.setdefault(_RACES, {})
    network, asked = prepared.network.fingerprint, st.query_params.get(PARAMETER)
    known = races.get(network)
    text = asked or known
    race = None if text is None else read_race(text, prepared)
    st.session_state[NOTE] = asked is not None and race is None
    if race is None or (asked is None and race.asked.data_fingerprint != data_fingerprint):
        put_in_url(PARAMETER, None)
        return None
    if asked is None or asked != known:
        follow_job(run_id(race))
    show(prepared, race)
    return race


def show(prepared: Prepared, race: Race | None) -> None:
    """Put it in view, or (None) none."""
    races: dict[str, str] = st.session_state.setdefault(_RACES, {})
    if race is None:
        races.pop(prepared.network.fingerprint, None)
        put_in_url(PARAMETER, None)
        return
    text = write_race(race)
    races[prepared.network.fingerprint] = text
    put_in_url(PARAMETER, text)


def leave_other(prepared: Prepared, race: Race | None, run: Job) -> Race | None:
    """The race where it is about that sensitivity run, else it leaves the screen."""
    if race is None or run_id(race) == run.id:
        return race
    show(prepared, None)
    return None


def write_race(race: Race) -> str:
    """Example: 3-1f0c…-77ab… for three seeds of two competitors."""
    ids = (job_id(entry.kind, to_json(entry)) for entry in race.entries)
    return "-".join([str(race.seeds), *ids])


def read_race(text: str, prepared: Prepared) -> Race | None:
    """The inverse; None where a job is gone, of another network, or not of one race."""
    found = _TEXT.fullmatch(text)
    if found is None or int(found["seeds"]) > MOST_SEEDS:
        return None
    jobs = [engine().store.job(key) for key in found["ids"].split("-")[1:]]
    entries = [_entry(job, prepared) for job in jobs]
    known = tuple(entry for entry in entries if entry is not None)
    race = Race(known, int(found["seeds"]))
    if len(known) < len(entries) or not 0 < len(race.agents) < len(known):
        return None
    shared = {replace(one, agent="random", settings=RandomConfig()) for one in known}
    return race if len(shared) == 1 and len(set(known)) == len(known) else None


def run_id(race: Race) -> str:
    """The id of the sensitivity run that a race is about."""
    question = sensitivity_run(race.asked)
    return job_id(question.kind, to_json(question))


def _entry(job: Job | None, prepared: Prepared) -> SearchQuestion | None:
    asked = search_of(job, prepared.network.fingerprint)
    return asked if asked is not None and asked.seed == 0 else None
