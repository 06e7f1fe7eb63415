"""What a machine reaches at best, as lines with their names at the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import plotly.graph_objects as go

from qcore.hardware.model import Roof
from ui import format as fmt
from ui.figures.spread import spread
from ui.theme import Palette

_LABEL = 17  # pixels: of a label's line
_LETTER_ROOM = 12  # pixels between a line's end and its label


@dataclass(frozen=True)
class Place:
    """The part of both axes that is shown, in decades, and how high that is in pixels."""

    x: tuple[float, float]
    y: tuple[float, float]
    pixels: float


def lines(figure: go.Figure, roofs: Mapping[str, Roof], place: Place, palette: Palette) -> None:
    """A slope (the memory) and a flat part (the peak) each; roofs of one memory share the slope."""
    left, right = place.x
    for label, roof in roofs.items():
        bend = math.log10(roof.peak_ops_per_s / roof.bytes_per_s)
        x = [10**left, *([10**bend] if left < bend < right else []), 10**right]
        figure.add_scatter(
            x=x,
            y=[min(roof.peak_ops_per_s, roof.bytes_per_s * value) for value in x],
            mode="lines",
            line={"color": palette.muted, "width": 1.5},
            name=label,
            hoverinfo="skip",
            showlegend=False,
        )
    _names(figure, roofs, place, palette)
    _memory(figure, roofs, place, palette)


def _names(figure: go.Figure, roofs: Mapping[str, Roof], place: Place, palette: Palette) -> None:
    levels = [
        math.log10(min(roof.peak_ops_per_s, roof.bytes_per_s * 10 ** place.x[1]))
        for roof in roofs.values()
    ]
    each = place.pixels / (place.y[1] - place.y[0])
    wanted = [(place.y[1] - level) * each for level in levels]
    for label, level, at, to in zip(roofs, levels, wanted, spread(wanted, _LABEL), strict=True):
        figure.add_annotation(
            x=place.x[1],
            y=level,
            text=fmt.label(label),
            font={"color": palette.muted, "size": 12},
            xanchor="left",
            align="left",
            ax=_LETTER_ROOM,
            ay=to - at,
            arrowhead=0,
            arrowwidth=1,
            arrowcolor=palette.muted,
        )


def _memory(figure: go.Figure, roofs: Mapping[str, Roof], place: Place, palette: Palette) -> None:
    """The name of the slope, near its lower end."""
    seen = sorted({roof.bytes_per_s for roof in roofs.values()})
    for bytes_per_s in seen:
        low = max(place.x[0], place.y[0] - math.log10(bytes_per_s))
        high = min(place.x[1], place.y[1] - math.log10(bytes_per_s))
        at = low + 0.12 * (high - low)
        figure.add_annotation(
            x=at,
            y=at + math.log10(bytes_per_s),
            text=f"memory {bytes_per_s / 1e9:.3g} GB/s",
            font={"color": palette.muted, "size": 12},
            showarrow=False,
            xanchor="right",
            yanchor="bottom",
        )
