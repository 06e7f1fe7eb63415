"""The charts of a race, while it runs and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from qcore.agents.setting import SearchSetting
from qcore.prepare.prepared import Prepared
from qcore.quantize.limits import PRUNED, WeightBits
from ui.charts import chart
from ui.figures.search import Level, search_figure
from ui.figures.search_bits import BitCell, BitsRow, search_bits_figure
from ui.figures.search_rewards import rewards_figure
from ui.search.curves import best_line, reward_panel
from ui.search.standing import Standing
from ui.search.words import evaluation_words, offset, quantity, reference_name, writer
from ui.select import focus_clicked
from ui.state import focused_layer, palette


def charts(prepared: Prepared, now: Standing, setting: SearchSetting) -> None:
    """Best so far, rewards, bits of the best."""
    _best(now, setting)
    st.markdown("**Reward per episode**, each agent on its own scale")
    panels = [reward_panel(agent) for agent in now.agents]
    chart(
        rewards_figure(panels, now.race.asked.episodes, palette()),
        "search-rewards",
        "Rolling median of the reward of each agent by episode.",
    )
    st.caption(f"Thin: the median of {panels[0].window} episodes, a line a seed. Thick: of seeds.")
    st.markdown("**Bits of each layer** in the best configuration so far")
    chart(
        search_bits_figure(
            [layer.name for layer in prepared.network.layers],
            bit_rows(now, setting),
            focused_layer(prepared),
            palette(),
        ),
        "search-bits",
        "Bits of each layer in each agent's best configuration so far, and in the references.",
        focus_clicked,
    )


def _best(now: Standing, setting: SearchSetting) -> None:
    race, added = now.race, offset(now.race, setting)
    name = quantity(race, setting)
    st.markdown(f"**Best {name} so far**, median and range over seeds")
    chart(
        search_figure(
            [best_line(one, added) for one in now.competitors],
            levels(now, added),
            race.asked.episodes,
            name,
            writer(race),
            palette(),
        ),
        "search-best",
        f"Best {name} so far of each agent and of random search by episode, with levels for the "
        "optimum, the best uniform network and the bound.",
    )
    st.caption(evaluation_words(race, int(setting.task.free.sum())))


def levels(now: Standing, added: float) -> list[Level]:
    """The lines that no episode changes; ``added`` to each."""
    lines = now.references
    if lines is None:
        return []
    found = [Level("optimum", reference_name(now.race), lines.optimum.value + added)]
    if lines.uniform is not None:
        found.append(Level("uniform", "Best uniform", lines.uniform.value + added))
    if lines.bound is not None:
        found.append(Level("bound", "LP bound", lines.bound + added))
    return found


def bit_rows(now: Standing, setting: SearchSetting) -> list[BitsRow]:
    """Agents' best so far, then the optimum and the uniform network."""
    rows = []
    for agent in now.agents:
        best = agent.best
        if best is not None and best.choice is not None:
            seed = f", seed {best.asked.seed}" if now.race.seeds > 1 else ""
            rows.append(BitsRow(f"{agent.title}{seed}", _cells(setting, best.choice)))
        else:
            rows.append(BitsRow(agent.title, ()))
    lines = now.references
    if lines is not None:
        rows.append(BitsRow(reference_name(now.race), _cells(setting, lines.optimum.choice)))
        if lines.uniform is not None:
            rows.append(BitsRow("Best uniform", _cells(setting, lines.uniform.choice)))
    return rows


def _cells(setting: SearchSetting, choice: Sequence[int]) -> tuple[BitCell, ...]:
    bits: Mapping[str, WeightBits] = setting.bits(choice)
    inputs = setting.inputs(choice)
    chosen = setting.task.axes.chooses_inputs
    return tuple(_cell(bits[name], inputs[name] if chosen else None) for name in bits)


def _cell(bits: WeightBits, inputs: int | None) -> BitCell:
    """Example: kernels of 0, 4 and 8 bits: 4 on average, a third pruned."""
    each = (bits,) if isinstance(bits, int) else bits
    pruned = sum(one == PRUNED for one in each) / len(each)
    return BitCell(sum(each) / len(each), inputs, pruned)
