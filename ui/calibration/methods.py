"""How each method is named and drawn: the same colour and mark everywhere on the page."""

from __future__ import annotations

from dataclasses import dataclass

from qcore.calibrate.clipping import METHODS, Method
from ui.theme import Palette

_MUCH = 0.1  # of all values

COMPARED: tuple[Method, ...] = ("max", "percentile", "entropy", "mse")
"""The methods whose thresholds are drawn."""


@dataclass(frozen=True)
class Look:
    """Colours on light and on dark, and plotly's symbol."""

    light: str
    dark: str
    symbol: str


# Told apart with any colour vision (Machado et al. 2009, simulated), and by their marks.
_LOOKS: dict[Method, Look] = {
    "max": Look("#18222c", "#e4ebf1", "line-ew-open"),
    "percentile": Look("#0aa58c", "#2cc5a4", "triangle-up"),
    "entropy": Look("#2b4fd8", "#5b7cf0", "circle"),
    "mse": Look("#a850c8", "#d884e0", "diamond"),
}


def color_of(method: Method, palette: Palette) -> str:
    """The colour of one of the compared methods."""
    look = _LOOKS[method]
    return look.dark if palette.template == "plotly_dark" else look.light


def symbol_of(method: Method) -> str:
    """The mark of one of the compared methods in charts."""
    return _LOOKS[method].symbol


def name_of(method: Method, percentile: float) -> str:
    """``mse``, or ``percentile 99.99``."""
    return f"percentile {percentile:g}" if method == "percentile" else str(method)


def warning(method: Method, clipped: float) -> str:
    """``clips 98 %`` where entropy clips more than a tenth of the values, else nothing.

    It compares shapes of histograms and does not see how far clipped values lie.
    """
    much = method == "entropy" and clipped > _MUCH
    return f"clips {100 * clipped:.3g} %" if much else ""


def help_text() -> str:
    """What each method is, one line each."""
    return "\n\n".join(f"**{method}**: {text}" for method, text in METHODS.items())
