"""The focused layer: its histogram, the threshold that is dragged, and what each method makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import streamlit as st

from qcore.calibrate.clipping import METHODS, Method, Target
from qcore.calibrate.histogram import Histogram
from qcore.quantize.limits import GRID_BITS
from ui import format as fmt
from ui.calibration.compare import compare
from ui.calibration.controls import BITS, Chosen, exceptions
from ui.calibration.loss import Spot, measure
from ui.calibration.methods import COMPARED, color_of, help_text, name_of
from ui.calibration.search import LayerSearch, layer_search
from ui.calibration.source import Source
from ui.clipping import choose_for_layer
from ui.components.live_histogram import LiveHistogram, Released, ThresholdLine, live_histogram
from ui.state import palette

_DRAGGED = "dragged_thresholds"
_ALL, _BY_HAND = "as all layers", "by hand"


def panel(source: Source, layer: str, chosen: Chosen) -> None:
    """Draw it for one layer."""
    search = layer_search(source, layer, chosen.target, chosen.percentile)
    what = "Weights of" if chosen.target == "weight" else "What enters"
    st.subheader(f":material/straighten: {what} {fmt.plain(layer)}", anchor=False)
    if search.histogram.amax == 0:
        st.info(
            "Only zeros were seen here: there is nothing to clip, and nothing is lost at any bits.",
            icon=":material/info:",
        )
        return
    choice = chosen.clipping.choice(layer, chosen.target)
    dragged = _dragged(source, layer, chosen.target)
    spot = Spot(
        source,
        layer,
        chosen.target,
        chosen.bits,
        choice if dragged is None else dragged,
        chosen.percentile,
    )
    _choice_of_layer(spot, chosen, search, dragged)
    live_histogram(
        _view(search, spot),
        "calibration-live",
        f"Histogram of {'the weights of' if chosen.target == 'weight' else 'what enters'} {layer} "
        "on a log scale, the thresholds of four methods as lines, KL divergence below.",
        palette(),
        lambda released: _released(spot, released),
    )
    compare(spot, search)


def _view(search: LayerSearch, spot: Spot) -> LiveHistogram:
    histogram = search.histogram
    counts, low = _signed(histogram)
    weights = spot.target == "weight"
    return LiveHistogram(
        counts=counts,
        low=low,
        bin_width=histogram.bin_width,
        zeros=histogram.zeros,
        seen=(histogram.low, histogram.high),
        scheme="symmetric" if weights else "affine",
        bits=spot.bits,
        thresholds={bits: search.threshold(spot.choice, bits) for bits in GRID_BITS},
        x_title="weight value" if weights else "value that enters the layer",
        log=True,
        lines=_lines(search.thresholds, spot.percentile),
        curves=search.curves,
    )


def _signed(histogram: Histogram) -> tuple[np.ndarray, float]:
    """Counts from the most negative bin in use to the last, and where they begin."""
    positive = histogram.positive[: histogram.used]
    if not histogram.negative.any():
        return positive, 0.0
    negative = histogram.negative[: histogram.used]
    return np.concatenate([negative[::-1], positive]), -histogram.used * histogram.bin_width


def _lines(
    thresholds: Mapping[Method, Mapping[int, float]], percentile: float
) -> tuple[ThresholdLine, ...]:
    return tuple(
        ThresholdLine(name_of(method, percentile), thresholds[method], color_of(method, palette()))
        for method in COMPARED
    )


def _choice_of_layer(
    spot: Spot, chosen: Chosen, search: LayerSearch, dragged: float | None
) -> None:
    """A menu for this layer alone, and what can be done with a threshold that was dragged."""
    own = next(
        (o for o in chosen.clipping.overrides if (o.layer, o.target) == (spot.layer, spot.target)),
        None,
    )
    now = _ALL if own is None else _BY_HAND if isinstance(own.choice, float) else own.choice
    key = f"layer_method-{spot.target}-{spot.layer}"
    st.session_state[key] = now
    choice = chosen.clipping.choice(spot.layer, spot.target)
    common = chosen.clipping.weight if spot.target == "weight" else chosen.clipping.activation
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "This layer",
            [_ALL, *METHODS, _BY_HAND],
            key=key,
            format_func=lambda o: f"{_ALL} ({common})" if o == _ALL else o,
            on_change=_choose,
            args=(key, spot, search.threshold(spot.choice, spot.bits)),
            width=210,
            help=help_text(),
        )
        threshold = search.threshold(spot.choice, spot.bits)
        st.button(
            f"Clip this layer at {threshold:.4g}" if dragged else "Clip this layer here",
            type="primary",
            icon=":material/content_cut:",
            on_click=_keep,
            args=(spot, threshold),
            disabled=dragged is None or dragged == choice,
            help="Sensitivity, allocation and measurement will use the threshold you dragged to.",
        )
        st.button(
            "Back to the chosen",
            icon=":material/undo:",
            on_click=_forget,
            args=(spot,),
            disabled=dragged is None,
            help="Forget where the threshold was dragged to.",
        )
        exceptions(chosen.target, chosen.clipping)


def _choose(key: str, spot: Spot, threshold: float) -> None:
    """A method was chosen for this layer alone."""
    chosen = st.session_state[key]
    _forget(spot)
    choice = None if chosen == _ALL else threshold if chosen == _BY_HAND else chosen
    choose_for_layer(spot.layer, spot.target, choice)


def _keep(spot: Spot, threshold: float) -> None:
    _forget(spot)
    choose_for_layer(spot.layer, spot.target, threshold)


def _released(spot: Spot, released: Released) -> None:
    """Remember where the visitor let go, and measure there."""
    st.session_state[BITS] = released.bits
    if released.threshold is not None and released.threshold > 0:
        _all_dragged()[_place(spot.source, spot.layer, spot.target)] = released.threshold
        spot = replace(spot, choice=released.threshold)
    measure(replace(spot, bits=released.bits))


def _forget(spot: Spot) -> None:
    _all_dragged().pop(_place(spot.source, spot.layer, spot.target), None)


def _dragged(source: Source, layer: str, target: Target) -> float | None:
    return _all_dragged().get(_place(source, layer, target))


def _place(source: Source, layer: str, target: Target) -> tuple[str, str, str]:
    return source.prepared.network.fingerprint, layer, target


def _all_dragged() -> dict[tuple[str, str, str], float]:
    found: dict[tuple[str, str, str], float] = st.session_state.setdefault(_DRAGGED, {})
    return found
