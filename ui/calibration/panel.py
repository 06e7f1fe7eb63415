"""The focused layer: its histogram, the threshold that is dragged, and what each method makes."""

from __future__ import annotations

import streamlit as st

from qcore.calibrate.clipping import METHODS
from qcore.quantize.limits import GRID_BITS
from ui import format as fmt
from ui.calibration.compare import compare
from ui.calibration.controls import BITS, Chosen, exceptions
from ui.calibration.dragged import drag, dragged, rounded, undo_drag
from ui.calibration.loss import Spot, measure, moved
from ui.calibration.methods import COMPARED, color_of, help_text, name_of, warning
from ui.calibration.search import LayerSearch, layer_search
from ui.calibration.source import Source
from ui.clipping import choose_for_layer
from ui.components.live_histogram import LiveHistogram, Released, ThresholdLine, live_histogram
from ui.figures.histogram import layer_bins
from ui.state import palette

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
    by_hand = dragged(source, layer, chosen.target)
    shown = choice if by_hand is None else by_hand
    spot = Spot(
        source,
        layer,
        chosen.target,
        chosen.bits,
        shown,
        search.threshold(shown, chosen.bits),
        chosen.percentile,
    )
    _choice_of_layer(spot, chosen, by_hand)
    live_histogram(
        _view(search, spot),
        "calibration-live",
        f"Histogram of {'the weights of' if chosen.target == 'weight' else 'what enters'} {layer} "
        "on a log scale, the thresholds of four methods as lines, KL divergence below.",
        palette(),
        lambda released: _released(spot, search, released),
    )
    compare(spot, search)


def _view(search: LayerSearch, spot: Spot) -> LiveHistogram:
    histogram = search.histogram
    bins = layer_bins(histogram)
    weights = spot.target == "weight"
    return LiveHistogram(
        counts=bins.counts,
        low=bins.low,
        bin_width=bins.bin_width,
        zeros=bins.zeros,
        seen=bins.seen,
        scheme="symmetric" if weights else "affine",
        bits=spot.bits,
        thresholds={bits: search.threshold(spot.choice, bits) for bits in GRID_BITS},
        x_title="weight value" if weights else "value that enters the layer",
        log=True,
        lines=_lines(search, spot.percentile),
        curves=search.curves,
    )


def _lines(search: LayerSearch, percentile: float) -> tuple[ThresholdLine, ...]:
    return tuple(
        ThresholdLine(
            name_of(method, percentile),
            search.thresholds[method],
            color_of(method, palette()),
            {bits: warning(method, share) for bits, share in search.clipped[method].items()},
        )
        for method in COMPARED
    )


def _choice_of_layer(spot: Spot, chosen: Chosen, by_hand: float | None) -> None:
    """A menu for this layer alone, and what can be done with a threshold that was dragged."""
    own = next(
        (o for o in chosen.clipping.overrides if (o.layer, o.target) == (spot.layer, spot.target)),
        None,
    )
    now = _ALL if own is None else _BY_HAND if isinstance(own.choice, float) else own.choice
    key = f"layer_method-{spot.target}-{spot.layer}"
    st.session_state[key] = now
    choice = chosen.clipping.choice(spot.layer, spot.target)
    common = chosen.clipping.method(spot.target)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            "This layer",
            [_ALL, *METHODS, _BY_HAND],
            key=key,
            format_func=lambda o: f"{_ALL} ({common})" if o == _ALL else o,
            on_change=_choose,
            args=(key, spot),
            width=210,
            help=help_text(),
        )
        st.button(
            f"Clip this layer at {by_hand:.4g}" if by_hand else "Clip this layer here",
            type="primary",
            icon=":material/content_cut:",
            on_click=_keep,
            args=(spot,),
            disabled=by_hand is None or by_hand == choice,
            help="Drag the dashed line first. Sensitivity, allocation and measurement will use "
            "this threshold.",
        )
        st.button(
            "Undo the drag",
            icon=":material/undo:",
            on_click=undo_drag,
            args=(spot.source, spot.layer, spot.target),
            disabled=by_hand is None,
            help="Forget where the threshold was dragged to.",
        )
        exceptions(chosen.target, chosen.clipping)


def _choose(key: str, spot: Spot) -> None:
    """A method was chosen for this layer alone."""
    chosen = st.session_state[key]
    undo_drag(spot.source, spot.layer, spot.target)
    by_hand = rounded(spot.threshold)
    choice = None if chosen == _ALL else by_hand if chosen == _BY_HAND else chosen
    choose_for_layer(spot.layer, spot.target, choice)


def _keep(spot: Spot) -> None:
    undo_drag(spot.source, spot.layer, spot.target)
    choose_for_layer(spot.layer, spot.target, rounded(spot.threshold))


def _released(spot: Spot, search: LayerSearch, released: Released) -> None:
    """Remember where the visitor let go, and measure there."""
    st.session_state[BITS] = released.bits
    choice = spot.choice
    if released.threshold is not None and released.threshold > 0:
        choice = rounded(released.threshold)
        drag(spot.source, spot.layer, spot.target, choice)
    measure(moved(spot, search, choice, released.bits))
