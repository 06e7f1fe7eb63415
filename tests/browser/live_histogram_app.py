"""A page with nothing but the live histogram: ``?scheme=symmetric``, ``affine`` or ``levels``."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import streamlit as st

from ui.components.live_histogram import (
    DivergenceCurve,
    LiveHistogram,
    Released,
    ThresholdLine,
    live_histogram,
)
from ui.state import palette

BITS = (2, 3, 4, 5, 6, 7, 8)
LABELS = ("largest", "99.9 %", "entropy", "MSE")
COLORS = ("#8a949e", "#D55E00", "#009E73", "#CC79A7")


def counted(values: np.ndarray, low: float, width: float, bins: int) -> np.ndarray:
    """Counts (bins,) of values from ``low`` on."""
    return np.histogram(values, bins=bins, range=(low, low + bins * width))[0].astype(np.int64)


def symmetric_view() -> LiveHistogram:
    """Weights: heavy tails on both sides, no zeros, a linear axis."""
    values = np.random.default_rng(1).standard_t(5, 20_000) * 0.05
    values = values[np.abs(values) < 0.5]
    amax = float(np.abs(values).max())
    width = 2.0**-12
    share = {2: 0.22, 3: 0.3, 4: 0.4, 5: 0.52, 6: 0.64, 7: 0.76, 8: 0.88}
    return LiveHistogram(
        counts=counted(values, -2048 * width, width, 4096),
        low=-2048 * width,
        bin_width=width,
        zeros=0,
        seen=(float(values.min()), float(values.max())),
        scheme="symmetric",
        bits=4,
        thresholds={bits: amax * share[bits] for bits in BITS},
        x_title="weight",
        lines=(ThresholdLine("largest", dict.fromkeys(BITS, amax), COLORS[0]),),
    )


def affine_view() -> LiveHistogram:
    """An input after a clipped negative part: one side almost empty, many zeros, a log axis."""
    values = np.random.default_rng(2).exponential(0.6, 60_000) - 0.15
    values = values[values < 6]
    values[values < 0] *= 2
    width = 2.0**-8
    amax = float(values.max())
    x = np.arange(128, 1400) * width
    curves = {
        bits: DivergenceCurve(
            x=x,
            y=np.where(x < 0.7, np.inf, 0.002 * (9 - bits) + 0.05 * (x / 2.4 - 1) ** 2 / bits),
        )
        for bits in BITS
    }
    shares = ((1, 1), (0.72, 0.74), (0.42, 0.43), (0.3, 0.75))
    lines = tuple(
        ThresholdLine(label, {b: amax * float(np.interp(b, (2, 8), s)) for b in BITS}, color)
        for label, s, color in zip(LABELS, shares, COLORS, strict=True)
    )
    return LiveHistogram(
        counts=counted(values, -2048 * width, width, 4096),
        low=-2048 * width,
        bin_width=width,
        zeros=15_000,
        seen=(float(values.min()), amax),
        scheme="affine",
        bits=4,
        thresholds=dict.fromkeys(BITS, 2.4),
        x_title="input value",
        log=True,
        lines=lines,
        curves=curves,
    )


def levels_view() -> LiveHistogram:
    """A codebook: levels where the values are, without zero among them."""
    values = np.random.default_rng(3).normal(0, 0.1, 8_000)
    width = 2.0**-9
    tables = {bits: np.quantile(values, (np.arange(2**bits) + 0.5) / 2**bits) for bits in BITS}
    return LiveHistogram(
        counts=counted(values, -512 * width, width, 1024),
        low=-512 * width,
        bin_width=width,
        zeros=40,
        seen=(float(values.min()), float(values.max())),
        scheme="levels",
        bits=3,
        thresholds={bits: float(np.abs(table).max()) for bits, table in tables.items()},
        x_title="weight",
        levels=tables,
    )


VIEWS = {"symmetric": symmetric_view, "affine": affine_view, "levels": levels_view}


def page() -> None:
    """The histogram, and below it how often the page ran and what it heard."""
    st.set_page_config(layout="wide")
    state = st.session_state
    state["runs"] = state.get("runs", 0) + 1
    heard: list[Released] = state.setdefault("heard", [])
    view = VIEWS[st.query_params.get("scheme", "symmetric")]()
    alt = "Histogram with its grid."
    live_histogram(view, "histogram", alt, palette(), heard.append)
    st.code(json.dumps({"runs": state["runs"], "heard": [asdict(item) for item in heard]}))


if __name__ == "__main__":
    page()
