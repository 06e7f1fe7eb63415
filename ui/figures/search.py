"""The best value so far by episode, against what is known to be possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

from qcore.agents.config import AgentName
from ui.figures.search_looks import agent_color, faint
from ui.figures.spread import spread
from ui.theme import Palette, finish

_HEIGHT, _ABOVE, _BELOW = 420, 12, 48  # pixels
_LABEL, _LETTER, _AWAY = 18, 6.8, 16  # pixels: of a label's line, of a letter, from a line's end
_BAND = 0.16
_MANY_DECADES = 4
_DASHES = {"optimum": "solid", "uniform": "dash", "bound": "dot"}


@dataclass(frozen=True)
class SearchLine:
    """Median and range over seeds of the best value so far, from each of ``episodes`` on."""

    agent: AgentName
    title: str
    episodes: Sequence[int]
    median: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Level:
    """A line that no episode changes."""

    kind: Literal["optimum", "uniform", "bound"]
    title: str
    value: float


def search_figure(
    lines: Sequence[SearchLine],
    levels: Sequence[Level],
    episodes: int,
    quantity: str,
    write: Callable[[float], str],
    palette: Palette,
) -> go.Figure:
    """A line with its band an agent, a level line for each reference, named at their right ends.

    The axis is logarithmic where all values are positive. ``episodes`` is how many there will be,
    so that the axis stays as it is; ``write`` gives a value as text.
    """
    drawn = [line for line in lines if line.episodes]
    values = [v for line in drawn for v in (*line.low, *line.high)]
    values += [level.value for level in levels]
    logarithmic = bool(values) and min(values) > 0
    figure = go.Figure()
    for level in levels:
        _level(figure, level, episodes, write, palette)
    for line in drawn:
        _band(figure, line, palette)
    for line in drawn:
        _line(figure, line, write, palette)
    reach = _reach(values, logarithmic)
    ends = [(_ended(line, write), line.median[-1], _color(line, palette)) for line in drawn]
    ends += [(f"{one.title} {write(one.value)}", one.value, palette.text) for one in levels]
    _names(figure, ends, reach, logarithmic, palette)
    figure.update_xaxes(title="episode", range=[0, episodes], zeroline=False)
    figure.update_yaxes(
        title=quantity,
        type="log" if logarithmic else "linear",
        range=reach,
        zeroline=not logarithmic,
        **(_ticks(reach) if logarithmic else {"tickformat": "~g"}),
    )
    finish(figure, palette, _HEIGHT)
    letters = max((len(text) for text, _, _ in ends), default=12)
    margin = {"r": 12 + _AWAY + round(_LETTER * letters), "t": _ABOVE, "b": _BELOW}
    return figure.update_layout(margin=margin, hovermode="closest", showlegend=False)


def _color(line: SearchLine, palette: Palette) -> str:
    return agent_color(line.agent, palette)


def _ended(line: SearchLine, write: Callable[[float], str]) -> str:
    return f"{line.title} {write(line.median[-1])}"


def _level(
    figure: go.Figure,
    level: Level,
    episodes: int,
    write: Callable[[float], str],
    palette: Palette,
) -> None:
    figure.add_scatter(
        x=[0, episodes],
        y=[level.value] * 2,
        mode="lines",
        line={"color": palette.text, "width": 1.5, "dash": _DASHES[level.kind]},
        name=level.title,
        hovertemplate=f"{level.title}: {write(level.value)}<extra></extra>",
    )


def _band(figure: go.Figure, line: SearchLine, palette: Palette) -> None:
    if list(line.low) == list(line.high):
        return
    common: dict[str, Any] = {
        "x": list(line.episodes),
        "mode": "lines",
        "line": {"width": 0, "shape": "hv"},
        "hoverinfo": "skip",
    }
    figure.add_scatter(y=list(line.low), **common)
    band = faint(_color(line, palette), _BAND)
    figure.add_scatter(y=list(line.high), fill="tonexty", fillcolor=band, **common)


def _line(
    figure: go.Figure, line: SearchLine, write: Callable[[float], str], palette: Palette
) -> None:
    each = zip(line.episodes, line.median, line.low, line.high, strict=True)
    figure.add_scatter(
        x=list(line.episodes),
        y=list(line.median),
        mode="lines",
        line={
            "color": _color(line, palette),
            "width": 2 if line.agent == "random" else 2.5,
            "dash": "dashdot" if line.agent == "random" else "solid",
            "shape": "hv",
        },
        name=line.title,
        hovertext=[
            f"<b>{line.title}</b>, episode {episode:,}<br>best so far {write(median)}"
            + (f"<br>seeds {write(low)} to {write(high)}" if low < high else "")
            for episode, median, low, high in each
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _reach(values: Sequence[float], logarithmic: bool) -> list[float]:
    """The ends of the axis, in decades where it is logarithmic."""
    shown = [math.log10(v) for v in values] if logarithmic else list(values)
    low, high = min(shown, default=0.0), max(shown, default=1.0)
    edge = 0.07 * (high - low) or 0.05 * abs(high) or 0.1
    return [low - edge, high + edge]


def _ticks(reach: Sequence[float]) -> dict[str, Any]:
    """Powers of ten, with twice and five times these where there is room for them."""
    steps = (1, 2, 5) if reach[1] - reach[0] < _MANY_DECADES else (1,)
    decades = range(math.floor(reach[0]), math.ceil(reach[1]) + 1)
    values = [step * 10.0**decade for decade in decades for step in steps]
    shown = [value for value in values if reach[0] <= math.log10(value) <= reach[1]]
    if len(shown) < 2:
        return {"tickformat": "~g"}
    return {"tickvals": shown, "ticktext": [f"{value:g}" for value in shown]}


def _names(
    figure: go.Figure,
    ends: Sequence[tuple[str, float, str]],
    reach: Sequence[float],
    logarithmic: bool,
    palette: Palette,
) -> None:
    """Texts at the right ends, none on another."""
    places = [math.log10(value) if logarithmic else value for _, value, _ in ends]
    inside = _HEIGHT - _ABOVE - _BELOW
    pixels = inside / (reach[1] - reach[0])
    wanted = [(reach[1] - place) * pixels for place in places]
    found = spread(wanted, _LABEL)
    lowest = max(found, default=0.0) - (inside - _LABEL / 2)
    moved = [to - max(0.0, lowest) for to in found]
    for (text, _, color), place, at, to in zip(ends, places, wanted, moved, strict=True):
        figure.add_annotation(
            x=1,
            xref="x domain",
            y=place,
            text=text,
            font={"color": color, "size": 12},
            xanchor="left",
            ax=_AWAY,
            ay=to - at,
            standoff=2,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=color if color != palette.text else palette.muted,
        )
