"""The best value so far by episode, against what is known to be possible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from qcore.agents.config import AgentName
from ui.figures.search_axis import ValueAxis, value_axis
from ui.figures.search_looks import agent_color, faint
from ui.figures.spread import spread_within
from ui.theme import Palette, finish

_HEIGHT, _ABOVE, _BELOW = 438, 30, 48  # pixels; the tool bar is above
_LABEL, _LETTER, _AWAY = 18, 6.8, 16  # pixels: of a label's line, of a letter, from a line's end
_BAND = 0.16
_DASHES = {"optimum": "solid", "uniform": "dash", "bound": "dot"}


@dataclass(frozen=True)
class SearchLine:
    """Median and range over ``seeds`` of the best value so far, from each of ``episodes`` on."""

    agent: AgentName
    title: str
    episodes: Sequence[int]
    median: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    seeds: int = 1


@dataclass(frozen=True)
class Level:
    """A line that no episode changes."""

    kind: Literal["optimum", "uniform", "bound"]
    title: str
    value: float


@dataclass(frozen=True)
class _End:
    """What is named at the right end of a line."""

    text: str
    value: float
    color: str


def search_figure(
    lines: Sequence[SearchLine],
    levels: Sequence[Level],
    episodes: int,
    quantity: str,
    write: Callable[[float], str],
    palette: Palette,
    per_unit: float = 1.0,
) -> go.Figure:
    """A line with its band an agent, a level line for each reference, named at their right ends.

    ``episodes`` is how many there will be, so that the axis stays as it is. ``quantity`` names the
    axis with its unit, of which one is ``per_unit`` of the values; ``write`` gives a value as text.
    """
    drawn = [line for line in lines if line.episodes]
    ends = [_end(line, write, palette) for line in drawn]
    ends += [_End(f"{one.title} {write(one.value)}", one.value, palette.text) for one in levels]
    values = [v for line in drawn for v in (*line.low, *line.high)]
    values += [level.value for level in levels]
    axis = value_axis(values, [end.value for end in ends], per_unit)
    figure = go.Figure()
    for level in levels:
        _level(figure, level, episodes, axis, write, palette)
    for line in drawn:
        _band(figure, line, axis, palette)
    for line in drawn:
        _line(figure, line, axis, write, palette)
    _names(figure, ends, axis, palette)
    figure.update_xaxes(title="episode", range=[0, episodes], zeroline=False)
    figure.update_yaxes(title=quantity, zeroline=axis.symlog is not None, **axis.layout)
    finish(figure, palette, _HEIGHT)
    letters = max((len(end.text) for end in ends), default=12)
    margin = {"r": 12 + _AWAY + round(_LETTER * letters), "t": _ABOVE, "b": _BELOW}
    return figure.update_layout(margin=margin, hovermode="closest", showlegend=False)


def _end(line: SearchLine, write: Callable[[float], str], palette: Palette) -> _End:
    """Example: HAQ, median +0.0162; of one seed HAQ +0.0162."""
    value = line.median[-1]
    text = f"{line.title}{', median' * (line.seeds > 1)} {write(value)}"
    return _End(text, value, agent_color(line.agent, palette))


def _level(
    figure: go.Figure,
    level: Level,
    episodes: int,
    axis: ValueAxis,
    write: Callable[[float], str],
    palette: Palette,
) -> None:
    figure.add_scatter(
        x=[0, episodes],
        y=axis.drawn([level.value] * 2),
        mode="lines",
        line={"color": palette.text, "width": 1.5, "dash": _DASHES[level.kind]},
        name=level.title,
        hovertemplate=f"{level.title}: {write(level.value)}<extra></extra>",
    )


def _band(figure: go.Figure, line: SearchLine, axis: ValueAxis, palette: Palette) -> None:
    if list(line.low) == list(line.high):
        return
    common: dict[str, Any] = {
        "x": list(line.episodes),
        "mode": "lines",
        "line": {"width": 0, "shape": "hv"},
        "hoverinfo": "skip",
    }
    figure.add_scatter(y=axis.drawn(line.low), **common)
    band = faint(agent_color(line.agent, palette), _BAND)
    figure.add_scatter(y=axis.drawn(line.high), fill="tonexty", fillcolor=band, **common)


def _line(
    figure: go.Figure,
    line: SearchLine,
    axis: ValueAxis,
    write: Callable[[float], str],
    palette: Palette,
) -> None:
    word = ", median" if line.seeds > 1 else ""
    each = zip(line.episodes, line.median, line.low, line.high, strict=True)
    figure.add_scatter(
        x=list(line.episodes),
        y=axis.drawn(line.median),
        mode="lines",
        line={
            "color": agent_color(line.agent, palette),
            "width": 2 if line.agent == "random" else 2.5,
            "dash": "dashdot" if line.agent == "random" else "solid",
            "shape": "hv",
        },
        name=line.title,
        hovertext=[
            f"<b>{line.title}</b>, episode {episode:,}<br>best so far{word} {write(median)}"
            + (f"<br>seeds {write(low)} to {write(high)}" if low < high else "")
            for episode, median, low, high in each
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _names(figure: go.Figure, ends: Sequence[_End], axis: ValueAxis, palette: Palette) -> None:
    """Texts at the right ends, none on another."""
    low, high = axis.reach
    inside = _HEIGHT - _ABOVE - _BELOW
    places = axis.places([end.value for end in ends])
    wanted = [(high - place) * inside / (high - low) for place in places]
    found = spread_within(wanted, _LABEL, inside)
    for end, place, at, to in zip(ends, places, wanted, found, strict=True):
        figure.add_annotation(
            x=1,
            xref="x domain",
            y=place,
            text=end.text,
            font={"color": end.color, "size": 12},
            xanchor="left",
            ax=_AWAY,
            ay=to - at,
            standoff=2,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=end.color if end.color != palette.text else palette.muted,
        )
