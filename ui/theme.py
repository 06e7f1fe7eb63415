"""One look for every chart: the bit ramp, neutral colours, and a figure's common layout."""

from __future__ import annotations

from dataclasses import dataclass

import plotly.graph_objects as go

# Light to dark with falling luminance, so that order survives colour blindness and grey printing.
BIT_RAMP: dict[int, str] = {
    2: "#f0b93a",
    3: "#c2b84c",
    4: "#8bb465",
    5: "#54a583",
    6: "#318f9a",
    7: "#2f719e",
    8: "#40539a",
    16: "#3d2f6b",
}
"""Bit width -> colour, the same on every page."""

FULL_PRECISION_COLOR = "#8a949e"


@dataclass(frozen=True)
class Palette:
    """Colours that depend on light or dark."""

    text: str
    muted: str
    grid: str
    accent: str
    focus: str
    cloud: str
    bar: str
    template: str


LIGHT = Palette(
    text="#18222c",
    muted="#5c6b78",
    grid="#e4e9ed",
    accent="#1f6a94",
    focus="#c2410c",
    cloud="#b9c3cc",
    bar="#a9bccb",
    template="plotly_white",
)
DARK = Palette(
    text="#e4ebf1",
    muted="#9aa8b4",
    grid="#2a3540",
    accent="#6db3dc",
    focus="#fb923c",
    cloud="#4a5763",
    bar="#4b6478",
    template="plotly_dark",
)


def bit_color(bits: int | None) -> str:
    """The ramp's colour; widths between two entries take the next one above."""
    if bits is None:
        return FULL_PRECISION_COLOR
    return BIT_RAMP[min((b for b in BIT_RAMP if b >= bits), default=16)]


def weight_color(bits: float, palette: Palette) -> str:
    """Of the nearest whole bit; weights without any, which are pruned, have the colour of text."""
    return bit_color(round(bits)) if bits else palette.text


def text_on(color: str) -> str:
    """Black or white, whichever reads better on a colour (relative luminance, WCAG 2)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#101418" if luminance > 0.2 else "#ffffff"


def finish(figure: go.Figure, palette: Palette, height: int) -> go.Figure:
    """Common layout: margins, fonts, grid, stable zoom between reruns."""
    figure.update_layout(
        template=palette.template,
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": palette.text, "size": 13},
        hoverlabel={"font": {"size": 13}},
        legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0, "title": None},
        uirevision="keep",
        dragmode=False,
        modebar={"bgcolor": "rgba(0,0,0,0)", "color": palette.muted},
    )
    axis = {"gridcolor": palette.grid, "zerolinecolor": palette.grid, "automargin": True}
    figure.update_xaxes(**axis, title_font={"color": palette.muted})
    figure.update_yaxes(**axis, title_font={"color": palette.muted})
    return figure
