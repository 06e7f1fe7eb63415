"""The live dial's view as JSON: columns of rounded numbers, and a short text of bits per point."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from ui.components.live_dial_view import DialMark, DialMeasured, DialPoint, LiveDial
from ui.figures.symlog import symlog_for
from ui.theme import BIT_RAMP, Palette, bit_color, text_on

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
"""Base 64: one for whole bits, two for hundredths of a bit where means are not whole."""
_CODES = np.frombuffer(DIGITS.encode(), np.uint8)


def payload(view: LiveDial, alt: str, palette: Palette) -> dict[str, Any]:
    """What goes to the browser. Example: 400 points of 300 layers are less than 300 kB.

    Points whose cost in the dial's unit, or whose loss, is not a number are left out.
    """
    names = _names(view)
    x = view.unit.cost
    path = [point for point in view.path if _drawn(point, x)]
    points = path if view.confirmed is None else [*path, view.confirmed]
    whole = all(np.equal(np.mod(np.asarray(p.bits, float), 1), 0).all() for p in points)
    places = 1 if whole else 2
    return {
        "unit": asdict(view.unit),
        "value": float(view.value),
        "places": places,
        "path": _path(path, names, places),
        "confirmed": None if view.confirmed is None else _path([view.confirmed], names, places),
        "confirmed_text": view.confirmed_text,
        "confirmed_state": view.confirmed_state,
        "layers": _layers(view),
        "focus": view.focus,
        "marks": [_mark(mark, x) for mark in view.marks],
        "measured": [_measured(point, x) for point in view.measured if _drawn(point, x)],
        "tiles": [asdict(tile) for tile in view.tiles],
        "quantity": view.quantity,
        "full_bytes": float(view.full_bytes),
        "pin_costs": None if view.pin_costs is None else _by_bits(view.pin_costs),
        "can_undo": view.can_undo,
        "can_redo": view.can_redo,
        "can_keep": view.can_keep,
        "linear": symlog_for(point.loss for point in path).linear,
        "alt": alt,
        "colors": _colors(palette),
    }


def _names(view: LiveDial) -> list[str]:
    """The costs that are shown."""
    shown = {view.unit.cost, "size_bytes", *(tile.cost for tile in view.tiles)}
    return sorted(shown - {"loss", "ratio"})


def _drawn(point: DialPoint | DialMeasured, x: str) -> bool:
    return _number(point.costs.get(x)) is not None and math.isfinite(point.loss)


def _path(points: Sequence[DialPoint], names: Iterable[str], places: int) -> dict[str, Any]:
    """Columns; texts are None where they are those of the point before."""
    bits = [_digits(point.bits, places) for point in points]
    inputs = ["" if p.input_bits is None else _digits(p.input_bits, 1) for p in points]
    return {
        "label": _unrepeated([point.label for point in points]),
        # Seven digits: a point must not seem to cost more than the dial allows.
        "costs": {name: [_number(p.costs.get(name), 7) for p in points] for name in names},
        "loss": [_number(point.loss) for point in points],
        "low": [_number(point.low) for point in points],
        "high": [_number(point.high) for point in points],
        "bits": _unrepeated(bits),
        "inputs": _unrepeated(inputs) if any(inputs) else None,
    }


def _digits(bits: Sequence[float], places: int) -> str:
    numbers = np.rint(np.asarray(bits, float) * (1 if places == 1 else 100)).astype(np.int64)
    limited = numbers.clip(0, 64**places - 1)
    digits = limited if places == 1 else np.stack([limited // 64, limited % 64], axis=1)
    return str(_CODES[digits].tobytes(), "ascii")


def _unrepeated(texts: Sequence[str]) -> list[str | None]:
    """None where a text is the one before."""
    return [None if i and text == texts[i - 1] else text for i, text in enumerate(texts)]


def _layers(view: LiveDial) -> dict[str, Any]:
    widths = sorted({bits for layer in view.layers for bits in layer.losses})
    everything = all(len(layer.losses) == len(widths) for layer in view.layers)
    return {
        "label": [layer.label for layer in view.layers],
        "share": [_number(layer.weight_share) for layer in view.layers],
        "pin": [layer.pin for layer in view.layers],
        "widths": widths,
        "losses": [[_number(layer.losses.get(b), 3) for b in widths] for layer in view.layers],
        # An infinite loss can be pinned all the same.
        "can": None
        if everything
        else [[b in layer.losses for b in widths] for layer in view.layers],
    }


def _mark(mark: DialMark, x: str) -> dict[str, Any]:
    points = [point for point in mark.points if _drawn(point, x)]
    uniform = bool(points) and all(point.kind == "uniform" for point in points)
    return {
        "name": mark.name,
        "look": mark.look,
        "x": [_number(point.costs.get(x), 7) for point in points],
        "loss": [_number(point.loss) for point in points],
        "label": _unrepeated([point.label for point in points]),
        "width": [_width(point) for point in points] if uniform else None,
    }


def _width(point: DialPoint) -> int:
    """The bits that most layers of a uniform configuration have (pins may differ)."""
    return round(statistics.mode(point.bits)) if point.bits else 0


def _measured(point: DialMeasured, x: str) -> dict[str, Any]:
    return {
        "label": point.label,
        "x": _number(point.costs.get(x), 7),
        "loss": _number(point.loss),
        "low": _number(point.low),
        "high": _number(point.high),
    }


def _colors(palette: Palette) -> dict[str, Any]:
    ramp = {bits: bit_color(bits) for bits in BIT_RAMP}
    return {
        "ramp": [[bits, color, text_on(color)] for bits, color in sorted(ramp.items())],
        "pruned": [palette.text, text_on(palette.text)],
        "muted": palette.muted,
        "grid": palette.grid,
        "accent": palette.accent,
        "focus": palette.focus,
        "cloud": palette.cloud,
    }


def _by_bits(costs: Mapping[int, float]) -> dict[str, float | None]:
    return {str(bits): _number(cost) for bits, cost in costs.items()}


def _number(value: float | None, digits: int = 4) -> float | int | None:
    """Rounded, and whole where that is shorter; None where it is not a number."""
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.{digits}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded
