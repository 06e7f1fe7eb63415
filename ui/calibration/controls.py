"""What is looked at, and the method of all layers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from qcore.calibrate.clipping import METHODS, Clipping, Method, Target
from qcore.quantize.limits import GRID_BITS
from ui.calibration.methods import help_text
from ui.clipping import can_undo, choose_clipping, current_clipping, undo

BITS = "threshold_bits"
_FIRST_BITS = 4
_TARGET = "target"
_TARGETS: dict[str, Target] = {"Inputs": "activation", "Weights": "weight"}
_METHOD = "clip_method"
_PERCENTILE = "clip_percentile"


@dataclass(frozen=True)
class Chosen:
    """What the controls say."""

    target: Target
    bits: int
    clipping: Clipping

    @property
    def percentile(self) -> float:
        return self.clipping.percentile(self.target)


def controls() -> Chosen:
    """Target and bits (both in the URL), and the method for all layers."""
    clipping = current_clipping()
    _first_bits()
    # Fields and buttons are of other heights: labels in one line, and the button at the fields.
    with st.container(border=True), st.container(horizontal=True, vertical_alignment="top"):
        name = st.segmented_control(
            "Clip",
            list(_TARGETS),
            default="Inputs",
            required=True,
            key=_TARGET,
            bind="query-params",
            help="What enters the layers, or their weights. Each has thresholds of its own.",
        )
        target = _TARGETS.get(name, "activation")  # ?target= in the address chooses none
        bits = st.segmented_control(
            "Bits",
            GRID_BITS,
            required=True,
            key=BITS,
            bind="query-params",
            help="The thresholds of entropy, mse and aciq depend on them.",
        )
        with st.container(horizontal=True, vertical_alignment="bottom", width="content"):
            _method(target, clipping)
            _percentile(target, clipping)
            st.button(
                "Undo",
                icon=":material/undo:",
                on_click=undo,
                disabled=not can_undo(),
                help="Take back the last choice of a method, a percentile or a layer's threshold.",
            )
    return Chosen(target, bits or _FIRST_BITS, clipping)


def _first_bits() -> None:
    """Choose bits where nobody has. Not as the widget's default: a release sets them too."""
    asked = st.query_params.get(BITS)
    if BITS not in st.session_state and asked not in [str(bits) for bits in GRID_BITS]:
        st.session_state[BITS] = _FIRST_BITS


def _method(target: Target, clipping: Clipping) -> None:
    what = "inputs" if target == "activation" else "weights"
    key = f"{_METHOD}-{target}"
    st.session_state[key] = clipping.method(target)
    st.selectbox(
        f"Method for all {what}",
        list(METHODS),
        key=key,
        on_change=_choose_method,
        args=(target, key),
        width=190,
        help=help_text(),
    )


def _choose_method(target: Target, key: str) -> None:
    clipping, method = current_clipping(), st.session_state[key]
    choose_clipping(clipping.with_method(target, method, clipping.percentile(target)))


def _percentile(target: Target, clipping: Clipping) -> None:
    st.session_state[_PERCENTILE] = clipping.percentile(target)
    used = (clipping.method(target), *(own.choice for own in clipping.overrides_of(target)))
    st.number_input(
        "Percentile",
        min_value=0.001,
        max_value=100.0,
        step=0.01,
        format="%.3f",
        key=_PERCENTILE,
        on_change=_choose_percentile,
        args=(target,),
        width=150,
        disabled="percentile" not in used,
        help="In percent of all values, for the method percentile; 99.99 clips one in 10,000.",
    )


def _choose_percentile(target: Target) -> None:
    clipping, percentile = current_clipping(), st.session_state[_PERCENTILE]
    choose_clipping(clipping.with_method(target, clipping.method(target), percentile))


def exceptions(target: Target, clipping: Clipping) -> None:
    """A button that gives every layer back to the method for all."""
    own = len(clipping.overrides_of(target))
    st.button(
        f"All layers the same ({own})" if own else "All layers the same",
        icon=":material/restart_alt:",
        on_click=_drop_exceptions,
        args=(target,),
        disabled=not own,
        help="Give every layer that was chosen on its own back to the method for all.",
    )


def _drop_exceptions(target: Target) -> None:
    clipping = current_clipping()
    kept = tuple(o for o in clipping.overrides if o.target != target)
    choose_clipping(replace(clipping, overrides=kept))


def method_of(choice: Method | float) -> str:
    """The choice of a layer in words."""
    return "by hand" if isinstance(choice, float) else choice
