"""The charts of a race, while it runs and after."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from qcore.agents.config import AgentName
from qcore.agents.setting import SearchSetting
from qcore.prepare.prepared import Prepared
from qcore.quantize.limits import PRUNED
from ui import format as fmt
from ui.charts import chart
from ui.figures.bit_rows import BitsRow, bit_rows_figure
from ui.figures.search import Level, search_figure
from ui.figures.search_rewards import rewards_figure
from ui.search.curves import best_line, reward_panel
from ui.search.scale import scale_of
from ui.search.standing import Standing
from ui.search.words import evaluation_words, reference_name
from ui.select import focus_clicked
from ui.state import focused_layer, palette

_REWARDS: dict[AgentName, str] = {
    "releq": "ReLeQ: bits saved, less where accuracy is lost; −1 where too much of it is.",
    "haq": "HAQ: minus ten times the accuracy lost; 0 is as good as full precision.",
    "autoq": "AutoQ: the logarithm of accuracy; in a budget of loss, what the network costs too.",
}


def charts(prepared: Prepared, now: Standing, setting: SearchSetting) -> None:
    """Best so far, rewards, bits of the best."""
    _best(now, setting)
    _rewards(now)
    so_far = " so far" if now.active else ""
    st.markdown(f"**Bits of each layer** in the best configuration{so_far}")
    rows = bit_rows(now, setting)
    chart(
        bit_rows_figure(
            [layer.name for layer in prepared.network.layers],
            rows,
            focused_layer(prepared),
            palette(),
        ),
        "search-bits",
        f"Bits of each layer in each agent's best configuration{so_far}, and in the references.",
        focus_clicked,
    )
    if setting.kernels is not None:
        st.caption(_kernel_words(now, rows))


def _best(now: Standing, setting: SearchSetting) -> None:
    race, scale = now.race, scale_of(now.race, setting)
    name = f"Best {scale.title} so far"
    seeds = ", median and range over seeds" if race.seeds > 1 else ""
    st.markdown(f"**{name}**{seeds}")
    chart(
        search_figure(
            [best_line(one, scale.offset) for one in now.competitors],
            levels(now, scale.offset),
            race.asked.episodes,
            scale.title,
            scale.write,
            palette(),
            scale.per_unit,
        ),
        "search-best",
        f"{name} of each agent and of random search by episode, with levels for what the solver "
        "finds, the best uniform network and the bound.",
    )
    st.caption(evaluation_words(now, int(setting.task.free.sum())))


def _rewards(now: Standing) -> None:
    st.markdown("**Reward per episode**: what each agent learns from, on its own scale")
    panels = [reward_panel(agent) for agent in now.agents]
    chart(
        rewards_figure(panels, now.race.asked.episodes, palette()),
        "search-rewards",
        "Rolling median of the reward of each agent by episode.",
    )
    drawn = f"Each point is the median of the last {panels[0].window} episodes"
    seeds = "; thin: one seed, thick: the median of seeds" if now.race.seeds > 1 else ""
    said = (_REWARDS[agent.entry.agent] for agent in now.agents)
    st.caption(f"A line that rises: the agent learns. {drawn}{seeds}.  \n" + "  \n".join(said))


def levels(now: Standing, added: float) -> list[Level]:
    """The lines that no episode changes; ``added`` to each."""
    lines = now.references
    if lines is None:
        return []
    found = [Level("optimum", reference_name(lines), lines.optimum.value + added)]
    if lines.uniform is not None:
        found.append(Level("uniform", "Best uniform", lines.uniform.value + added))
    if lines.bound is not None:
        found.append(Level("bound", "LP bound", lines.bound + added))
    return found


def bit_rows(now: Standing, setting: SearchSetting) -> list[BitsRow]:
    """Agents' best so far, then what the solver finds and the uniform network."""
    rows = []
    for agent in now.agents:
        run = agent.best_run
        if run is not None and run.best is not None and run.best.choice is not None:
            seed = f", seed {run.number}" if now.race.seeds > 1 else ""
            rows.append(_row(f"{agent.title}{seed}", setting, run.best.choice))
        else:
            rows.append(BitsRow(agent.title, ()))
    lines = now.references
    if lines is not None:
        rows.append(_row(reference_name(lines), setting, lines.optimum.choice))
        if lines.uniform is not None:
            rows.append(_row("Best uniform", setting, lines.uniform.choice))
    return rows


def _row(title: str, setting: SearchSetting, choice: Sequence[int]) -> BitsRow:
    bits, inputs = setting.bits(choice), setting.inputs(choice)
    shown = [inputs[name] for name in bits] if setting.task.axes.chooses_inputs else ()
    return BitsRow(title, list(bits.values()), shown)


def _kernel_words(now: Standing, rows: Sequence[BitsRow]) -> str:
    """What a cell says of its kernels, and why uniform bits are fewer than where layers choose."""
    each = {row.title: _widths(row) for row in rows if row.bits}
    pruned = [
        f"{title} {fmt.share(bits.count(PRUNED) / len(bits))}"
        for title, bits in each.items()
        if PRUNED in bits
    ]
    words = "A number is the mean over a layer's kernels; the share of pruned ones is said where "
    words += "you point. "
    words += f"Pruned of all kernels: {', '.join(pruned)}. " if pruned else "None are pruned. "
    if any(name == "size_bytes" for name, _ in now.race.asked.budgets) and each:
        count = len(next(iter(each.values())))
        words += (
            f"Each kernel's width is stored too, half a byte a kernel ({fmt.size(count / 2)}): "
            "best uniform may have fewer bits here than where layers choose."
        )
    return words


def _widths(row: BitsRow) -> list[int]:
    each = ((bits,) if isinstance(bits, int) else bits for bits in row.bits)
    return [width for kernels in each for width in kernels]
