"""A race in view: how far it is, its charts, and its end."""

from __future__ import annotations

import streamlit as st

from qcore.agents.setting import SearchSetting
from qcore.prepare.prepared import DataPair, Prepared
from ui.search.charts import charts
from ui.search.progress import progress
from ui.search.question import setting_for
from ui.search.race import Race
from ui.search.results import held_out_setting, measure_all, results
from ui.search.scale import scale_of
from ui.search.standing import Standing, standing, states
from ui.search.table import end_table
from ui.search.words import race_words

# Drawing costs the browser, and so on a small machine the run itself, more than a line of text.
_SECONDS, _CHART_SECONDS, _RESTING_SECONDS = 1.0, 2.0, 4.0


def panel(prepared: Prepared, race: Race, pair: DataPair | None) -> None:
    """Draw it. ``pair``: data of the race's sensitivity run, None where these are gone."""
    st.markdown(f":material/sports_score: {race_words(race)}")
    known = setting_for(race.asked, prepared)
    if known.setting is None:
        st.error(known.trouble, icon=":material/error:")
        return
    drawn = states(race)
    now = standing(race)
    _watch(race, drawn, now.active)
    _live(prepared, now, known.setting)
    if not now.active:
        _end(prepared, now, known.setting, pair)


def _watch(race: Race, drawn: tuple[str | None, ...], running: bool) -> None:
    """Draw the page anew once the store says something else than it was drawn with: a run that
    began or ended, whoever asked for that, here or in another tab."""

    @st.fragment(run_every=_SECONDS if running else _RESTING_SECONDS)
    def watch() -> None:
        if states(race) != drawn:
            st.rerun()

    watch()


def _live(prepared: Prepared, first: Standing, setting: SearchSetting) -> None:
    """Followed while a run is under way."""
    running = first.active

    @st.fragment(run_every=_SECONDS if running else None)
    def lines() -> None:
        progress(prepared, standing(first.race), setting)

    @st.fragment(run_every=_CHART_SECONDS if running else None)
    def drawn() -> None:
        charts(prepared, standing(first.race), setting)

    lines()
    drawn()


def _end(prepared: Prepared, now: Standing, setting: SearchSetting, pair: DataPair | None) -> None:
    """Everything that was found is measured without being asked."""
    held = held_out_setting(setting, pair)
    found = results(prepared, now, setting, held)
    if not found:
        return
    measure_all(found)
    measuring = any(one.pending for one in results(prepared, now, setting, held))

    @st.fragment(run_every=_SECONDS if measuring else None)
    def table() -> None:
        each = results(prepared, now, setting, held)
        if measuring and not any(one.pending for one in each):
            st.rerun()
        end_table(prepared, now, setting, each, scale_of(now.race, setting))

    table()
    if pair is None:
        st.info(
            "The data that this run was made on were removed, so there is nothing held out to "
            "measure on.",
            icon=":material/info:",
        )
