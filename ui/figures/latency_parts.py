"""Bars per layer: what each takes on a machine, and what that time is spent on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from qcore.hardware.bound import Bound
from ui import format as fmt
from ui.figures.bounds import BOUNDS
from ui.figures.cells import short_name
from ui.figures.unfaded import unfaded
from ui.theme import Palette, finish

_MOST_TEXTS = 16  # beyond this many layers bits do not fit above their bar
_MOST_LARGE, _MOST_NAMES = 24, 90  # beyond these many layers names are small, or left out
_ROOM = 1.14  # of the highest bar, for its bits
_LETTER, _SMALL_LETTER = 6.6, 5.4  # pixels


@dataclass(frozen=True)
class LayerBars:
    """What is drawn: ``values`` in ``unit`` (None where there is no figure), ``parts`` that add up
    to them, ``shares`` of each part in the whole, ``texts`` above the bars, ``hovers`` in HTML."""

    names: Sequence[str]
    values: Sequence[float | None]
    texts: Sequence[str]
    hovers: Sequence[str]
    quantity: str
    unit: str
    parts: Mapping[Bound, Sequence[float]] | None = None
    shares: Mapping[Bound, float] | None = None


def layer_figure(
    bars: LayerBars, focus: str, palette: Palette, height: int = 300, named: bool = True
) -> go.Figure:
    """Layers in running order; the focused one stands on a band.

    The customdata of every mark is the layer's name. Above each bar an invisible one reaches to the
    top: short bars can be pointed at and clicked, too. ``named``: with the layers' names and bits,
    which a second chart below the first can do without.
    """
    figure = go.Figure()
    if bars.parts is None:
        _add(figure, bars, bars.values, bars.quantity, palette.accent, "")
    else:
        for bound, values in bars.parts.items():
            look = BOUNDS[bound]
            share = "" if bars.shares is None else f", {fmt.share(bars.shares[bound])}"
            title = look.title + share
            _add(figure, bars, values, title, look.color(palette), look.pattern)
    top = _ROOM * max((value for value in bars.values if value), default=1.0)
    _columns(figure, bars, top, palette, named and len(bars.names) <= _MOST_TEXTS)
    _band(figure, bars.names.index(focus), palette)
    _axes(figure, bars, top, named)
    figure.update_layout(barmode="stack", bargap=0.18, showlegend=bars.parts is not None)
    finish(figure, palette, height + (_name_pixels(bars.names) if named else 0))
    return figure.update_layout(legend={"traceorder": "normal"})


def _add(
    figure: go.Figure,
    bars: LayerBars,
    values: Sequence[float | None],
    name: str,
    color: str,
    pattern: str,
) -> None:
    figure.add_bar(
        x=[fmt.label(layer) for layer in bars.names],
        y=list(values),
        name=name,
        customdata=list(bars.names),
        hovertext=list(bars.hovers),
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "color": color,
            "line": {"width": 0},
            "pattern": {"shape": pattern, "size": 5, "solidity": 0.35, "fgcolor": "#ffffff"},
        },
        **unfaded(),
    )


def _columns(figure: go.Figure, bars: LayerBars, top: float, palette: Palette, texts: bool) -> None:
    figure.add_bar(
        x=[fmt.label(layer) for layer in bars.names],
        y=[top - (value or 0.0) for value in bars.values],
        customdata=list(bars.names),
        hovertext=list(bars.hovers),
        hovertemplate="%{hovertext}<extra></extra>",
        text=list(bars.texts) if texts else None,
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        constraintext="none",
        textfont={"color": palette.muted, "size": 12},
        marker={"color": "rgba(0,0,0,0)", "line": {"width": 0}},
        showlegend=False,
        **unfaded(text_color=palette.muted),
    )


def _band(figure: go.Figure, at: int, palette: Palette) -> None:
    figure.add_shape(
        type="rect",
        x0=at - 0.5,
        x1=at + 0.5,
        y0=0,
        y1=1,
        yref="paper",
        fillcolor=palette.focus,
        opacity=0.2,
        line={"width": 0},
        layer="below",
    )


def _axes(figure: go.Figure, bars: LayerBars, top: float, named: bool) -> None:
    names = bars.names
    figure.update_xaxes(
        type="category",
        showticklabels=named and len(names) <= _MOST_NAMES,
        tickangle=-90,
        tickfont={"size": 12 if len(names) <= _MOST_LARGE else 10},
        tickvals=list(range(len(names))),
        ticktext=[fmt.label(short_name(name)) for name in names],
        range=[-0.5, len(names) - 0.5],
        title="layer, in running order" if named else None,
        showgrid=False,
    )
    figure.update_yaxes(title=f"{bars.quantity} ({bars.unit})", range=[0, top])


def _name_pixels(names: Sequence[str]) -> int:
    """Room for the names below the bars."""
    if len(names) > _MOST_NAMES:
        return 0
    letter = _LETTER if len(names) <= _MOST_LARGE else _SMALL_LETTER
    return round(letter * max(len(short_name(name)) for name in names))
