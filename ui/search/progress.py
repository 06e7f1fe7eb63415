"""How far each competitor has come: a line each, always of the same height."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import streamlit as st

from qcore.agents.setting import SearchSetting
from qcore.jobs.search_question import SearchQuestion
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.search.acts import go_on, stop
from ui.search.estimate import seconds_of
from ui.search.scale import Scale, scale_of
from ui.search.standing import Competitor, Run, Standing

_WIDTHS = (1.5, 6.0, 1.3)
_LINE = 110  # characters of a reason
_SURE = 0.05  # share of a run before which its speed says little


def progress(prepared: Prepared, now: Standing, setting: SearchSetting) -> None:
    """A line each with a button, and one for all."""
    scale = scale_of(now.race, setting)
    for one in now.competitors:
        title, bar, button = st.columns(_WIDTHS, vertical_alignment="center")
        title.markdown(f"**{one.title}**")
        fraction = statistics.fmean(_fraction(run) for run in one.runs)
        bar.progress(min(fraction, 1.0), text=f"{_text(one)}{_best(one, scale)}")
        with button:
            _button(one)
    _all(now, race_left(now, lambda entry: seconds_of(entry, setting, prepared)))


def _best(one: Competitor, scale: Scale) -> str:
    """Example: best seed +0.0168."""
    if not one.values:
        return ""
    so_far, seed = " so far" if one.active else "", " seed" if len(one.runs) > 1 else ""
    return f" · best{seed}{so_far} {scale.write(scale.whole(min(one.values)))}"


def race_left(now: Standing, guess: Callable[[SearchQuestion], float | None]) -> float | None:
    """Seconds of all that runs or waits, one after the other; ``guess`` says what a whole run takes
    of those that have not begun. None where that is not known."""
    found = 0.0
    for one in now.competitors:
        if not one.active:
            continue
        left = seconds_left(one)
        if left is None:
            whole = guess(one.entry)
            if whole is None:
                return None
            left = whole * sum(1 - _fraction(run) for run in one.runs if run.active)
        found += left
    return found


def seconds_left(one: Competitor, now: float | None = None) -> float | None:
    """Of all its runs, one after the other; None before anything is known of their speed."""
    each = [_seconds(run, now) for run in one.runs]
    known = [seconds for seconds in each if seconds is not None]
    waiting = [run for run in one.runs if run.active and run.job and run.job.state == "queued"]
    if not known:
        return None
    left = 0.0
    for run in one.runs:
        if run.active and run not in waiting:
            whole = _seconds(run, now)
            if whole is None:
                return None
            left += whole * (1 - _fraction(run))
    return left + len(waiting) * statistics.fmean(known)


def _seconds(run: Run, now: float | None) -> float | None:
    """What a whole run takes."""
    job = run.job
    if job is None:
        return None
    if job.state == "finished":
        return job.seconds
    if job.state != "running" or job.attempt_at is None or job.fraction < _SURE:
        return None
    gained = job.fraction - job.attempt_fraction
    spent = (now or time.time()) - job.attempt_at
    return spent / gained if gained >= _SURE else None


def _fraction(run: Run) -> float:
    return 0.0 if run.job is None else run.job.fraction


def _text(one: Competitor) -> str:
    """Example: seed 2 of 3 · episode 120 of 300 · 12 s left."""
    count = len(one.runs)
    done = sum(run.finished for run in one.runs)
    if one.finished:
        seconds = sum(run.episodes[-1].seconds for run in one.runs if run.episodes)
        return f"{_seeds(count)} in {fmt.duration(seconds)}"
    if not one.active:
        return _ended(one)
    running = next((r for r in one.runs if r.active and r.job and r.job.state == "running"), None)
    if running is None or running.job is None:
        return f"{done} of {_seeds(count)} done · waiting" if done else "waiting for a worker …"
    if running.job.stopping:
        return "stopping …"
    left = seconds_left(one)
    words = "" if left is None else f" · {fmt.duration(left)} left"
    message = fmt.plain(running.job.message or "starting")
    return f"seed {running.number} of {count} · {message}{words}"


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count != 1)}"


def _ended(one: Competitor) -> str:
    jobs = [run.job for run in one.runs if run.job is not None]
    failed = next((job for job in jobs if job.state == "failed"), None)
    if failed is not None:
        return f"failed: {fmt.plain(fmt.shortened(failed.message, _LINE))}"
    if any(job.lost() for job in jobs):
        return "the worker is gone; what it finished is kept"
    return f"{one.done}; the best is kept" if one.values else one.done


def _button(one: Competitor) -> None:
    """Stop, or go on; always there."""
    if one.active or one.finished:
        asked = all(run.job.cancel_requested for run in one.runs if run.job and run.active)
        st.button(
            "Stop",
            key=f"search-stop-{one.title}",
            icon=":material/stop_circle:",
            on_click=stop,
            args=([one],),
            disabled=one.finished or asked,
            width="stretch",
        )
        return
    if st.button(
        "Go on",
        key=f"search-go-{one.title}",
        icon=":material/resume:",
        on_click=go_on,
        args=([one],),
        width="stretch",
    ):
        st.rerun()  # the page begins to follow at once


def _all(now: Standing, left: float | None) -> None:
    resting = [one for one in now.competitors if not one.finished and not one.active]
    with st.container(horizontal=True, horizontal_alignment="right", vertical_alignment="center"):
        if now.active and left is not None:
            st.caption(f"All of it: about {fmt.duration(left)} left", width="stretch")
        st.button(
            "Stop all",
            icon=":material/stop_circle:",
            type="tertiary",
            on_click=stop,
            args=(now.competitors,),
            disabled=not now.active,
            help="What was found so far is kept, and can be gone on with.",
        )
        if st.button(
            "Go on with all",
            icon=":material/resume:",
            type="tertiary",
            on_click=go_on,
            args=(resting,),
            disabled=not resting,
        ):
            st.rerun()
