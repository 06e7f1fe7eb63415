"""Each agent's rewards by episode, on its own scale."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from qcore.agents.config import AgentName
from ui.figures.search_looks import agent_color, faint
from ui.theme import Palette, finish

_HEIGHT, _ABOVE = 262, 50  # pixels; titles, and the tool bar above them


@dataclass(frozen=True)
class RewardPanel:
    """``seeds``: for each the rolling median of rewards over ``window`` episodes, from the first
    episode on."""

    agent: AgentName
    title: str
    seeds: Sequence[Sequence[float]]
    window: int


def rewards_figure(panels: Sequence[RewardPanel], episodes: int, palette: Palette) -> go.Figure:
    """One panel an agent, side by side: a thin line a seed, and their median."""
    titles = [panel.title for panel in panels]
    figure = make_subplots(cols=len(panels), subplot_titles=titles, horizontal_spacing=0.07)
    for column, panel in enumerate(panels, 1):
        color = agent_color(panel.agent, palette)
        figure.layout.annotations[column - 1].font = {"color": color, "size": 13}
        for number, seed in enumerate(panel.seeds, start=1):
            _line(figure, column, seed, f"{panel.title}, seed {number}", faint(color, 0.45), 1)
        if len(panel.seeds) > 1:
            middle = _median(panel.seeds)
            _line(figure, column, middle, f"{panel.title}, median over seeds", color, 2.5)
    figure.update_xaxes(title="episode", range=[0, episodes], zeroline=False)
    figure.update_yaxes(tickformat="~g", nticks=5, zeroline=False)
    figure.update_yaxes(title="reward", col=1)
    finish(figure, palette, _HEIGHT)
    return figure.update_layout(margin={"t": _ABOVE}, showlegend=False)


def _line(
    figure: go.Figure, column: int, values: Sequence[float], name: str, color: str, width: float
) -> None:
    figure.add_scatter(
        x=list(range(1, len(values) + 1)),
        y=list(values),
        mode="lines",
        line={"color": color, "width": width},
        name=name,
        hovertemplate=f"{name}<br>episode %{{x}}: %{{y:.4g}}<extra></extra>",
        row=1,
        col=column,
    )


def _median(seeds: Sequence[Sequence[float]]) -> list[float]:
    """Over the seeds that have come so far."""
    longest = max(map(len, seeds))
    return [
        statistics.median(seed[place] for seed in seeds if len(seed) > place)
        for place in range(longest)
    ]
