"""Error of the rounded weights against the bit width."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import plotly.graph_objects as go

from ui.theme import Palette, bit_color, finish

Unit = Literal["SQNR", "MSE"]
UNITS: tuple[Unit, ...] = get_args(Unit)


@dataclass(frozen=True)
class ErrorCurve:
    """Errors by bit width: SQNR in dB (None where nothing is lost), MSE in squared weights."""

    label: str
    sqnr_db: Mapping[int, float | None]
    mse: Mapping[int, float]


def error_figure(
    curves: tuple[ErrorCurve, ...], unit: Unit, bits: int, palette: Palette
) -> go.Figure:
    """One line a way of scaling; the first is the one in front."""
    figure = go.Figure()
    for front, curve in reversed(list(enumerate(curves))):
        values = curve.sqnr_db if unit == "SQNR" else curve.mse
        widths = list(values)
        number = "%{y:.1f} dB" if unit == "SQNR" else "%{y:.3g}"
        figure.add_scatter(
            x=widths,
            y=[_drawn(value, unit) for value in values.values()],
            mode="lines+markers",
            name=curve.label,
            line={"color": palette.muted, "width": 1.5, "dash": "dot" if front else "solid"},
            marker={
                "color": [bit_color(b) for b in widths],
                "size": [12 if b == bits else 7 for b in widths],
                "symbol": "diamond" if front else "circle",
            },
            hovertemplate="%{x} bits: " + number + f"<extra>{curve.label}</extra>",
        )
    figure.update_xaxes(title="weight bits", dtick=1)
    title = "SQNR (dB)" if unit == "SQNR" else "mean squared error"
    figure.update_yaxes(title=title, type="linear" if unit == "SQNR" else "log")
    if unit == "MSE":
        figure.update_yaxes(exponentformat="power", dtick=1)
    figure.update_layout(showlegend=len(curves) > 1)
    return finish(figure, palette, 320)


def _drawn(value: float | None, unit: Unit) -> float | None:
    """An error of zero has no logarithm."""
    return None if unit == "MSE" and value == 0 else value
