"""The end of a race: a row for each agent and for what it was measured against."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from qcore.agents.setting import SearchSetting
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.allocation import signed, units
from ui.allocation.dialled import FromSearch, Kept
from ui.allocation.kept import keep, keep_trouble
from ui.downloads import download
from ui.models import file_name_of
from ui.search.files import configuration_json, episodes_csv
from ui.search.results import Result
from ui.search.standing import Standing
from ui.search.winner import winner_words
from ui.search.words import (
    beaten_words,
    offset,
    quantity,
    reference_name,
    spread_words,
    writer,
)

_WIDTHS = (1.3, 1.6, 1.7, 0.9, 0.9, 0.9, 1.0, 2.5)


def end_table(
    prepared: Prepared, now: Standing, setting: SearchSetting, each: Sequence[Result]
) -> None:
    """Sentences first, then the rows, then the files."""
    st.markdown("#### What came of it")
    for line in (*winner_words(now, each), *beaten_words(now)):
        st.markdown(line)
    with st.container(border=True):
        timed = "latency_ms" in setting.layers.names and setting.kernels is None
        _heads(now, setting, timed)
        for one in each:
            _row(prepared, now, setting, one, timed)
    name = file_name_of(prepared.network.name)
    download(
        "All episodes (CSV)", lambda: episodes_csv(now), f"{name}-episodes.csv", "search-episodes"
    )


def _cells(timed: bool) -> list[st.delta_generator.DeltaGenerator]:
    widths = [w for i, w in enumerate(_WIDTHS) if timed or i != 4]
    return list(st.columns(widths, gap="xsmall", vertical_alignment="top"))


def _heads(now: Standing, setting: SearchSetting, timed: bool) -> None:
    value = fmt.capital(quantity(now.race, setting))
    heads = [
        "",
        value,
        "Measured ΔL",
        "Size",
        *(["Latency"] if timed else []),
        f"Gap to {reference_name(now.race).lower()}",
        "Evaluations, time",
        "",
    ]
    for cell, head in zip(_cells(timed), heads, strict=True):
        cell.caption(head)


def _row(
    prepared: Prepared, now: Standing, setting: SearchSetting, one: Result, timed: bool
) -> None:
    cells = _cells(timed)
    texts = [
        _name(now, one),
        _value(now, setting, one),
        _measured(one),
        units.amount("size_bytes", one.costs["size_bytes"]),
        *([units.amount("latency_ms", one.costs["latency_ms"])] if timed else []),
        "–" if one.gap is None else _percent(one.gap),
        _effort(one),
    ]
    for cell, text in zip(cells, texts, strict=False):
        cell.markdown(text)
    with cells[-1]:
        _take(prepared, setting, one)


def _name(now: Standing, one: Result) -> str:
    best = "" if one.seed is None or now.race.seeds == 1 else f"  \n:small[best: seed {one.seed}]"
    return f"**{one.name}**{best}"


def _value(now: Standing, setting: SearchSetting, one: Result) -> str:
    write = writer(now.race)
    text = f"**{write(one.value)}**"
    if one.competitor is None:
        return text
    spread = spread_words(one.competitor, offset(now.race, setting), write)
    return f"{text}  \n:small[seeds {spread}]" if spread else text


def _measured(one: Result) -> str:
    found = one.measured
    if found is None or found.job is None:
        return "–"
    result = found.result
    if result is None:
        return "measuring …" if found.job.active else found.job.state
    text = f"**{signed.loss(result.delta_loss)}**"
    ends = signed.interval(result.delta_low, result.delta_high)
    return f"{text}  \n:small[95 %: {ends}]" if ends else text


def _percent(gap: float) -> str:
    text = f"{100 * gap:.1f}" if abs(gap) < 10 else f"{100 * gap:,.0f}"
    return f"{text.replace('-', '−')} %"


def _effort(one: Result) -> str:
    if one.evaluations is None or one.seconds is None:
        return "–"
    return f"{one.evaluations:,}  \n:small[{fmt.duration(one.seconds)}]"


def _take(prepared: Prepared, setting: SearchSetting, one: Result) -> None:
    """To the dial's comparison, and as a file."""
    kept = _kept(setting, one)
    trouble = _NOT_KERNELS if kept is None else keep_trouble(prepared, kept)
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Send to comparison",
            key=f"search-keep-{one.name}",
            type="tertiary",
            icon=":material/bookmark_add:",
            on_click=keep,
            args=(prepared, kept),
            disabled=trouble is not None,
            help=trouble or "Puts it aside on the page Allocate, under Compare.",
        )
        name = f"{file_name_of(prepared.network.name)}-{fmt.file_name(one.name.lower())}.json"
        st.download_button(
            "JSON",
            lambda: configuration_json(setting, one),
            name,
            "application/json",
            key=f"search-json-{one.name}",
            on_click="ignore",
            type="tertiary",
            icon=":material/download:",
            help="The configuration as a file.",
        )


_NOT_KERNELS = "Of bits for kernels the comparison takes what an agent's whole run found."


def _kept(setting: SearchSetting, one: Result) -> Kept | None:
    """None where the comparison has no place for it."""
    if setting.kernels is None:
        return tuple(setting.layers.options[option] for option in one.choice)
    return None if one.job is None or not one.finished else FromSearch(one.job)
