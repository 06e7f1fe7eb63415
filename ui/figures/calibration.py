"""Clipping thresholds of all layers side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from qcore.calibrate.clipping import Method
from ui import format as fmt
from ui.calibration.methods import COMPARED, color_of, name_of, symbol_of
from ui.theme import Palette, finish

_MOST_NAMES = 24
_ABOUT_TICKS = 16  # where there are more layers


@dataclass(frozen=True)
class LayerMark:
    """A layer: largest magnitude, thresholds by method, the chosen one, and how far it moves
    between two halves of the data (a fraction, None where there are none)."""

    name: str
    amax: float
    thresholds: Mapping[Method, float]
    chosen: float
    instability: float | None


def thresholds_figure(
    layers: tuple[LayerMark, ...], percentile: float, focus: str, palette: Palette
) -> go.Figure:
    """Each method's threshold relative to the largest magnitude; a ring around the chosen one.

    Customdata is (layer, threshold).
    """
    shown = [(place, layer) for place, layer in enumerate(layers) if layer.amax > 0]
    figure = go.Figure()
    _stems(figure, shown, palette)
    for method in COMPARED:
        _marks(
            figure,
            [(place, layer, layer.thresholds[method]) for place, layer in shown],
            name_of(method, percentile),
            {"color": color_of(method, palette), "symbol": symbol_of(method), "size": 8},
        )
    _marks(
        figure,
        [(place, layer, layer.chosen) for place, layer in shown],
        "chosen",
        {
            "color": palette.focus,
            "symbol": "circle-open",
            "size": 14,
            "line": {"width": 1.6},
        },
    )
    _layer_axis(figure, layers, focus, palette)
    figure.update_yaxes(title="threshold (% of largest magnitude)", rangemode="tozero")
    return finish(figure, palette, 360)


def _stems(figure: go.Figure, shown: list[tuple[int, LayerMark]], palette: Palette) -> None:
    """A thin line a layer, from its lowest threshold to its highest."""
    x: list[float | None] = []
    y: list[float | None] = []
    for place, layer in shown:
        shares = [100 * value / layer.amax for value in layer.thresholds.values()]
        x += [place, place, None]
        y += [min(shares), max(shares), None]
    line = {"color": palette.cloud, "width": 1.5}
    figure.add_scatter(x=x, y=y, mode="lines", line=line, hoverinfo="skip", showlegend=False)


def _marks(
    figure: go.Figure,
    points: list[tuple[int, LayerMark, float]],
    name: str,
    marker: Mapping[str, Any],
) -> None:
    figure.add_scatter(
        x=[place for place, _, _ in points],
        y=[100 * value / layer.amax for _, layer, value in points],
        customdata=[[layer.name, value] for _, layer, value in points],
        hovertext=[
            f"<b>{fmt.label(layer.name)}</b><br>{name}: {value:.4g} of {layer.amax:.4g}"
            for _, layer, value in points
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        mode="markers",
        name=name,
        marker=dict(marker),
    )


def stability_figure(layers: tuple[LayerMark, ...], focus: str, palette: Palette) -> go.Figure:
    """Bars: how far the chosen thresholds of two halves of the data lie apart, in percent."""
    known = [
        (place, layer.name, 100 * layer.instability)
        for place, layer in enumerate(layers)
        if layer.instability is not None
    ]
    figure = go.Figure(
        go.Bar(
            x=[place for place, _, _ in known],
            y=[value for _, _, value in known],
            customdata=[name for _, name, _ in known],
            hovertext=[
                f"<b>{fmt.label(name)}</b><br>halves differ by {value:.2g} %"
                for _, name, value in known
            ],
            hovertemplate="%{hovertext}<extra></extra>",
            marker={
                "color": [palette.focus if n == focus else palette.accent for _, n, _ in known]
            },
            showlegend=False,
        )
    )
    _layer_axis(figure, layers, focus, palette)
    figure.update_yaxes(title="halves differ (%)", rangemode="tozero")
    return finish(figure, palette, 220)


def _layer_axis(
    figure: go.Figure, layers: tuple[LayerMark, ...], focus: str, palette: Palette
) -> None:
    """Places with names on them (a name may look like a number), the focused one in a band.

    Of many layers, every second, third … has its number.
    """
    names = [layer.name for layer in layers]
    few = len(names) <= _MOST_NAMES
    shown = range(0, len(names), 1 if few else -(-len(names) // _ABOUT_TICKS))
    figure.update_xaxes(
        title="layer, in running order" if few else "number of the layer, in running order",
        tickvals=list(shown),
        ticktext=[fmt.label(names[i]) if few else str(i + 1) for i in shown],
        range=[-0.6, len(names) - 0.4],
        showgrid=False,
        zeroline=False,
    )
    if focus in names:
        place = names.index(focus)
        figure.add_vrect(
            x0=place - 0.5,
            x1=place + 0.5,
            fillcolor=palette.focus,
            opacity=0.12,
            line_width=0,
            layer="below",
        )
