"""A histogram whose bit width and clipping threshold are dragged in the browser.

Grid, step, clipped share, error and the curve of errors by bit width follow the pointer there; the
server hears of it on release.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import streamlit as st

from ui.theme import Palette, bit_color

Scheme = Literal["symmetric", "affine", "levels"]


@dataclass(frozen=True)
class ThresholdLine:
    """A named threshold to compare with: bits -> magnitude, and bits -> a word behind its label."""

    label: str
    thresholds: Mapping[int, float]
    color: str
    notes: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class DivergenceCurve:
    """KL divergence (nats; infinite where NaN or inf) of clipping at each magnitude ``x``."""

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LiveHistogram:
    """What is drawn, and where it begins.

    ``counts`` (bins,) from ``low`` on, each ``bin_width`` wide; exact ``zeros`` apart from them.
    ``thresholds`` maps every bit width that can be chosen to the threshold it begins with.
    ``symmetric`` and ``affine`` grids are made from bits and threshold in the browser (as
    ``qcore.quantize.grid`` and ``qcore.calibrate.inputs`` make them; ``seen`` is the range of the
    values); of ``levels`` every bit width has its own list, and only the bits can be dragged.
    """

    counts: npt.NDArray[np.int64]
    low: float
    bin_width: float
    zeros: int
    seen: tuple[float, float]
    scheme: Scheme
    bits: int
    thresholds: Mapping[int, float]
    x_title: str
    log: bool = False
    levels: Mapping[int, npt.NDArray[np.float64]] | None = None
    lines: tuple[ThresholdLine, ...] = ()
    curves: Mapping[int, DivergenceCurve] | None = None


@dataclass(frozen=True)
class Released:
    """Where the visitor let go. ``threshold`` is None where it is that of ``thresholds``."""

    bits: int
    threshold: float | None


_MOST_BINS = 4096
_SCRIPTS = ("_math", "_draw", "_lines", "_panels", "", "_events")
_FILES = ("panel_base.js", "panel_drawing.js", *(f"live_histogram{part}.js" for part in _SCRIPTS))
_HERE = Path(__file__)
_mount = st.components.v2.component(
    "bitdial_live_histogram",
    html=_HERE.with_suffix(".html").read_text(encoding="utf-8"),
    css=_HERE.with_suffix(".css").read_text(encoding="utf-8"),
    js="\n".join(_HERE.with_name(name).read_text(encoding="utf-8") for name in _FILES),
)


def live_histogram(
    view: LiveHistogram,
    key: str,
    alt: str,
    palette: Palette,
    on_release: Callable[[Released], None],
) -> None:
    """Put it on the page. ``alt`` says in a sentence what it shows.

    ``on_release`` is a callback: it runs before the page does. Keep ``key`` the same for all layers
    (and without two underscores in a row), so that the panel stays where it is when another one is
    shown. What was dragged by hand is forgotten when counts, thresholds or levels change.
    """
    # The browser numbers its releases, and believes the page again once the last one was heard.
    heard = f"{key}-heard"

    def released() -> None:
        message = st.session_state[key].get("released")
        place = released_of(message, view)
        if place is not None:
            st.session_state[heard] = int(message["serial"])
            on_release(place)

    data = payload(view, alt, palette) | {"heard": st.session_state.get(heard, 0)}
    _mount(key=key, data=data, on_released_change=released)


def payload(view: LiveHistogram, alt: str, palette: Palette) -> dict[str, Any]:
    """What goes to the browser: plain JSON, at most 4096 counts.

    ``revision`` tells whether anything changed that a threshold dragged by hand depends on.
    """
    counts, low, bin_width = _fewer_bins(view)
    histogram = {
        "counts": [int(count) for count in counts],
        "low": low,
        "bin_width": bin_width,
        "zeros": int(view.zeros),
        "seen": [float(value) for value in view.seen],
        "scheme": view.scheme,
        "thresholds": _by_bits(view.thresholds),
        "levels": {str(b): [float(v) for v in rows] for b, rows in (view.levels or {}).items()},
    }
    identity = json.dumps(histogram, sort_keys=True).encode()
    return histogram | {
        "revision": hashlib.blake2b(identity, digest_size=12).hexdigest(),
        "bits": int(view.bits),
        "widths": sorted(int(bits) for bits in view.thresholds),
        "x_title": view.x_title,
        "log": bool(view.log),
        "lines": [
            {
                "label": line.label,
                "color": line.color,
                "thresholds": _by_bits(line.thresholds),
                "notes": {str(bits): note for bits, note in line.notes.items()},
            }
            for line in view.lines
        ],
        "curves": {str(bits): _curve(curve) for bits, curve in (view.curves or {}).items()},
        "alt": alt,
        "colors": {
            "bits": {str(bits): bit_color(bits) for bits in view.thresholds},
            "muted": palette.muted,
            "grid": palette.grid,
            "accent": palette.accent,
            "focus": palette.focus,
            "bar": palette.bar,
        },
    }


def released_of(message: object, view: LiveHistogram) -> Released | None:
    """What the browser says, checked; None where no panel of ours would have said it."""
    match message:
        case {"bits": int(bits), "threshold": None, "serial": int()} if bits in view.thresholds:
            return Released(bits, None)
        case {"bits": int(bits), "threshold": int() | float() as threshold, "serial": int()} if (
            bits in view.thresholds and math.isfinite(threshold) and threshold > 0
        ):
            return Released(bits, float(threshold))
    return None


def _by_bits(thresholds: Mapping[int, float]) -> dict[str, float]:
    return {str(bits): float(value) for bits, value in thresholds.items()}


def _fewer_bins(view: LiveHistogram) -> tuple[npt.NDArray[np.int64], float, float]:
    """(counts, low, bin_width) without the empty ends; neighbours are added where too many."""
    filled = np.flatnonzero(view.counts)
    if filled.size == 0:
        return np.zeros(1, np.int64), 0.0, float(view.bin_width)
    first, last = int(filled[0]), int(filled[-1]) + 1
    counts = np.asarray(view.counts[first:last], np.int64)
    together = -(-counts.size // _MOST_BINS)
    padded = np.pad(counts, (0, -counts.size % together))
    low = view.low + first * view.bin_width
    return padded.reshape(-1, together).sum(axis=1), float(low), float(view.bin_width * together)


def _curve(curve: DivergenceCurve) -> dict[str, Any]:
    """All its points, and the number of the least one (the last of equals) as ``best``."""
    finite = np.isfinite(curve.y)
    y = np.where(finite, curve.y, np.inf)
    return {
        "x": [float(f"{value:.8g}") for value in curve.x],
        "y": [float(f"{value:.6g}") if math.isfinite(value) else None for value in y],
        "best": int(y.size - 1 - np.argmin(y[::-1])) if finite.any() else None,
    }
