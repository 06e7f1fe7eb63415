"""What is asked of a race, and the button that starts it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from qcore.jobs.questions import SensitivityQuestion
from qcore.prepare.prepared import Prepared
from qcore.store.job import Job
from ui import format as fmt
from ui.allocation import units
from ui.hardware.known import title
from ui.router import PAGES
from ui.search.acts import start
from ui.search.budget import budget
from ui.search.choices import choose_agents, choose_evaluator, choose_level, choose_size
from ui.search.dial import Dial
from ui.search.estimate import estimate_words
from ui.search.filling import KERNELS, fill, filled
from ui.search.question import Asked, Known, base_question, setting_for
from ui.search.race import Race, race_of
from ui.search.settings import settings
from ui.search.words import few_words


def form(prepared: Prepared, run: Job, dial: Dial, race: Race | None) -> None:
    """Two lines of choices, settings, and the button with how long it may take."""
    fill(race)
    table = dial.bench.fit.whole
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="top", gap="small"):
            level = choose_level(
                table.config.method == "projected" and table.config.target == "weight"
            )
            found = budget(dial, level == KERNELS)
            evaluator, images, fine_tune = choose_evaluator(
                dial, level == KERNELS, found.name == "loss"
            )
        with st.container(horizontal=True, vertical_alignment="top", gap="small"):
            agents = choose_agents(alone=level == KERNELS or found.name == "loss")
            episodes, seeds = choose_size()
        configs, trouble = settings(agents)
        asked = Asked(found, level == KERNELS, evaluator, images, fine_tune, episodes)
        question = SensitivityQuestion.from_json(run.question)
        base = base_question(question, dial, asked)
        known = setting_for(base, prepared)
        wanted = None
        if known.setting is not None and agents and trouble is None:
            free = int(known.setting.task.free.sum())
            entries = [replace(base, agent=one, settings=configs[one]) for one in agents]
            wanted = race_of(base, entries, seeds, free)
        trouble = trouble or known.trouble or (None if agents else "Choose at least one agent.")
        _start(prepared, wanted, trouble, known)
        _taken_over(dial, base.budgets[0][0])


def _start(prepared: Prepared, race: Race | None, trouble: str | None, known: Known) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Race",
            type="primary",
            icon=":material/sports_score:",
            on_click=_race,
            args=(prepared, race),
            disabled=race is None or trouble is not None,
            help="Starts all runs; those that were run before are answered from the store.",
        )
        if trouble is not None:
            st.caption(f":material/error: {trouble}", width="stretch")
        elif race is not None and known.setting is not None:
            words = f"{estimate_words(race, known.setting, prepared)} {few_words(race)}"
            st.caption(words, width="stretch")


def _race(prepared: Prepared, race: Race) -> None:
    filled(race)
    start(prepared, race)


def _taken_over(dial: Dial, name: str) -> None:
    """What the dial of the page Allocate decides here too."""
    dialled, hardware = dial.dialled, dial.bench.fit.hardware
    second, pins = dial.second(name), len(dialled.pins)
    parts = [
        "no hardware" if hardware is None else fmt.plain(title(hardware.name, hardware)),
        f"{pins} pinned layer{'s' * (pins != 1)}" if pins else "no pins",
    ]
    if dialled.inputs is not None:
        parts.append(f"layer inputs of {dialled.inputs} bits")
    if second is not None:
        parts.append(f"{units.title(second[0])} at most {units.bare(*second)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"From the page Allocate: {', '.join(parts)}.")
        page = PAGES["allocate"]
        st.page_link(page.path, label="Change it there", icon=page.icon)
