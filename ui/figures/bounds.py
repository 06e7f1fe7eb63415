"""What a layer's time is spent on: one look for every chart, told apart without colour too."""

from __future__ import annotations

from dataclasses import dataclass

from qcore.hardware.bound import Bound
from ui.theme import LIGHT, Palette


@dataclass(frozen=True)
class BoundLook:
    """``title`` of the part of a bar, ``short`` of what bounds a layer, ``light`` and ``dark``
    colours, the hatching of bars, the symbol of dots."""

    title: str
    short: str
    help: str
    light: str
    dark: str
    pattern: str
    symbol: str

    def color(self, palette: Palette) -> str:
        return self.light if palette is LIGHT else self.dark


# Told apart with any colour vision, and from the focus (Machado et al. 2009, simulated).
BOUNDS: dict[Bound, BoundLook] = {
    "compute": BoundLook(
        "multiplying",
        "compute",
        "Part of the time in which the machine multiplies.",
        "#2b4fd8",
        "#5b7cf0",
        "",
        "circle",
    ),
    "weights": BoundLook(
        "waiting for weights",
        "weights",
        "Part of the time in which nothing is multiplied because weights are still on their way.",
        "#a850c8",
        "#d884e0",
        "/",
        "square",
    ),
    "activations": BoundLook(
        "waiting for inputs",
        "inputs",
        "Part of the time in which nothing is multiplied because inputs are still on their way, or "
        "outputs.",
        "#0aa58c",
        "#2cc5a4",
        ".",
        "triangle-up",
    ),
}
"""Part of a layer's time -> its look, in the order in which bars are stacked."""
