"""The end of a race: a row for each agent and for what it was measured against."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from qcore.agents.setting import SearchSetting
from qcore.prepare.prepared import Prepared
from ui.downloads import download
from ui.models import file_name_of
from ui.router import PAGES
from ui.search.columns import Column, columns
from ui.search.files import episodes_csv
from ui.search.results import Result
from ui.search.scale import Scale
from ui.search.standing import Standing
from ui.search.take import say_sent, take
from ui.search.winner import winner_words
from ui.search.words import reference_help, verdicts

_NAME, _TAKE = 1.6, 2.1  # widths beside those of the columns


def end_table(
    prepared: Prepared,
    now: Standing,
    setting: SearchSetting,
    each: Sequence[Result],
    scale: Scale,
) -> None:
    """Sentences first, then the rows, then the files."""
    say_sent()
    st.markdown("#### What came of it")
    for line in (*winner_words(now, each, scale), *verdicts(now, scale)):
        st.markdown(line)
    shown = columns(now, setting, scale)
    with st.container(border=True):
        _heads(shown)
        for one in each:
            _row(prepared, now, setting, one, shown)
    name = file_name_of(prepared.network.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        download(
            "All episodes (CSV)",
            lambda: episodes_csv(now),
            f"{name}-episodes.csv",
            "search-episodes",
        )
        st.caption("The file counts seeds from 0, this page from 1.", width="stretch")
        page = PAGES["allocate"]
        st.page_link(page.path, label="Compare on the page Allocate", icon=page.icon)


def _cells(shown: Sequence[Column]) -> list[st.delta_generator.DeltaGenerator]:
    widths = [_NAME, *(column.width for column in shown), _TAKE]
    return list(st.columns(widths, gap="xsmall", vertical_alignment="top"))


def _heads(shown: Sequence[Column]) -> None:
    for cell, column in zip(_cells(shown)[1:], shown, strict=False):
        cell.caption(column.head, help=column.about or None)


def _row(
    prepared: Prepared,
    now: Standing,
    setting: SearchSetting,
    one: Result,
    shown: Sequence[Column],
) -> None:
    cells = _cells(shown)
    lines = now.references
    solver = lines is not None and one.competitor is None and one.choice == lines.optimum.choice
    about = reference_help(lines) if lines is not None and solver else None
    cells[0].markdown(_name(now, one), help=about)
    for cell, column in zip(cells[1:], shown, strict=False):
        cell.markdown(column.text(one))
    with cells[-1]:
        take(prepared, now.race, setting, one)


def _name(now: Standing, one: Result) -> str:
    parts = [] if one.seed is None or now.race.seeds == 1 else [f"best: seed {one.seed}"]
    if one.competitor is not None and one.competitor.done:
        parts.append(one.competitor.done)
    return f"**{one.name}**" + (f"  \n:small[{', '.join(parts)}]" if parts else "")
