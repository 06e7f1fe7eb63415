"""The histogram in view with its grid; bits and clipping threshold are dragged in the browser."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from qcore.quantize.limits import GRID_BITS
from ui import format as fmt
from ui.calibration.methods import color_of
from ui.clipping import choose_for_layer, current_clipping
from ui.components.live_histogram import LiveHistogram, Released, ThresholdLine, live_histogram
from ui.state import palette
from ui.weights.choice import keep_bits
from ui.weights.view import WeightView

_DRAGGED = "dragged_weight_thresholds"
_Place = tuple[str, str, int | None]


def panel(prepared: Prepared, view: WeightView) -> None:
    """Draw it, and what can be done with a threshold that was dragged."""
    if view.amax == 0:
        st.info("Only zeros: any grid holds them exactly.", icon=":material/info:")
        return
    if view.kernel is None and view.grids.kernels is not None:
        st.caption("Below: **one scale for the layer**. The tile above: one scale a kernel.")
    place = (prepared.network.fingerprint, view.layer.name, view.kernel)
    live_histogram(
        _live(view, _begins(view, place)),
        "weights-live",
        f"Histogram of the weights of {view.where} with the {view.bits}-bit grid. Bits"
        f"{' and clipping threshold' * view.quantizer.live} can be dragged.",
        palette(),
        lambda released: _released(place, released),
    )
    if view.quantizer.live:
        _clipping(view, place)
    fixed = "" if view.quantizer.live else " Its range follows from the weights; drag the bits."
    st.caption(f"**{view.quantizer.title}.** {fmt.plain(view.quantizer.about)}{fixed}")


def _live(view: WeightView, begins: dict[int, float]) -> LiveHistogram:
    """Symmetric grids follow a threshold; of other quantizers each bit width has its own levels."""
    live, bins = view.quantizer.live, view.bins
    return LiveHistogram(
        counts=bins.counts,
        low=bins.low,
        bin_width=bins.bin_width,
        zeros=bins.zeros,
        seen=bins.seen,
        scheme="symmetric" if live else "levels",
        bits=view.bits,
        thresholds=begins,
        x_title="weight value",
        levels=None if live else {b: view.grids.levels(b, view.kernel) for b in GRID_BITS},
        lines=_lines(view) if live else (),
    )


def _lines(view: WeightView) -> tuple[ThresholdLine, ...]:
    shown = palette()
    top = dict.fromkeys(GRID_BITS, view.amax)
    return (
        ThresholdLine("max", top, color_of("max", shown)),
        ThresholdLine("mse", view.least_squares, color_of("mse", shown)),
    )


def _begins(view: WeightView, place: _Place) -> dict[int, float]:
    """Where it was dragged to, else where somebody chose to clip, else the quantizer's own."""
    dragged = _all_dragged().get(place)
    choice = current_clipping().choice(view.layer.name, "weight")
    by_hand = dragged or (min(choice, view.amax) if isinstance(choice, float) else None)
    if by_hand is None or not view.quantizer.live:
        return view.thresholds
    return dict.fromkeys(GRID_BITS, by_hand)


def _clipping(view: WeightView, place: _Place) -> None:
    """What is chosen for this layer, and the way to choose and to go back."""
    layer, clipping = view.layer.name, current_clipping()
    dragged = _all_dragged().get(place)
    choice = clipping.choice(layer, "weight")
    own = clipping.with_choice(layer, "weight", None) != clipping
    with st.container(horizontal=True, vertical_alignment="center"):
        if view.kernel is None:
            st.button(
                "Clip this layer here" if dragged is None else f"Clip this layer at {dragged:.4g}",
                icon=":material/content_cut:",
                on_click=_keep,
                args=(place, dragged),
                disabled=dragged is None or dragged == choice,
                help="Drag a dashed line first. Sensitivity, allocation and measurement will use "
                "this threshold; narrower kernels keep their own range.",
            )
            st.button(
                "Back to the default",
                icon=":material/restart_alt:",
                on_click=_give_back,
                args=(place,),
                disabled=not own,
                help=f"Clip this layer as all others: {clipping.weight}.",
            )
        st.button(
            "Undo the drag",
            icon=":material/undo:",
            on_click=_forget,
            args=(place,),
            disabled=dragged is None,
            help="Forget where the threshold was dragged to.",
        )
        how = f"{choice:.4g}, by hand" if isinstance(choice, float) else choice
        st.caption(f"Clipped now: {how}{'' if own else ', as all layers'}.")


def _released(place: _Place, released: Released) -> None:
    keep_bits(released.bits)
    if released.threshold is not None:
        _all_dragged()[place] = released.threshold


def _keep(place: _Place, threshold: float) -> None:
    _forget(place)
    choose_for_layer(place[1], "weight", threshold)


def _give_back(place: _Place) -> None:
    _forget(place)
    choose_for_layer(place[1], "weight", None)


def _forget(place: _Place) -> None:
    _all_dragged().pop(place, None)


def _all_dragged() -> dict[_Place, float]:
    found: dict[_Place, float] = st.session_state.setdefault(_DRAGGED, {})
    return found
