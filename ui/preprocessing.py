"""The card that says how images become the network's input."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar, get_args

import streamlit as st

from qcore.data.preprocess import (
    PRESETS,
    ChannelOrder,
    Fit,
    Interpolation,
    Preprocessing,
    ValueRange,
    checked,
    from_preset,
)
from qcore.errors import BadInput
from ui import format as fmt

OWN = "the network's own"

_Name = TypeVar("_Name", bound=str)


def first_guess(known: Preprocessing | None, input_shape: tuple[int, ...]) -> Preprocessing:
    """What to try before anybody has said anything: what is known, else ImageNet's."""
    return known or from_preset("ImageNet", input_shape)


def preprocessing_card(
    known: Preprocessing | None, now: Preprocessing, key: str
) -> Preprocessing | None:
    """Widgets for every part of it, filled with ``now``; None where they make no sense.

    A preset fills the values in; ``key`` keeps the widgets of different data apart.
    """
    names = [*([OWN] if known else []), *PRESETS]
    st.selectbox(
        "Fill in a preset",
        names,
        index=None,
        key=f"preset-{key}",
        placeholder="Choose a convention",
        help="; ".join(f"{name}: {preset.source}" for name, preset in PRESETS.items()),
        on_change=_fill,
        args=(known, now, key),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        fit = _choice("Size", get_args(Fit), now.fit, f"fit-{key}", _FIT_HELP)
        resize = st.number_input(
            "Short side (px)",
            1,
            4096,
            now.resize_px,
            key=f"resize-{key}",
            width=140,
            disabled=fit == "stretch",
            help="Images are resized to this before the centre is cut out.",
        )
        smooth = _choice(
            "Interpolation", get_args(Interpolation), now.interpolation, f"interpolation-{key}"
        )
        order = _choice(
            "Channels", get_args(ChannelOrder), now.channel_order, f"order-{key}", _ORDER_HELP
        )
        span = _choice("Values", get_args(ValueRange), now.value_range, f"range-{key}", _RANGE_HELP)
    height, width = now.crop_px
    st.caption(f"The network reads {height} × {width} pixels: that is what is cut out.")
    with st.container(horizontal=True):
        mean = _numbers("Mean", now.mean, f"mean-{key}")
        std = _numbers("Standard deviation", now.std, f"std-{key}")
    if mean is None or std is None:
        return None
    try:
        return checked(
            replace(
                now,
                fit=fit,
                resize_px=int(resize),
                interpolation=smooth,
                channel_order=order,
                value_range=span,
                mean=mean,
                std=std,
            )
        )
    except BadInput as error:
        st.error(fmt.plain(str(error)), icon=":material/error:")
        return None


_FIT_HELP = "crop: resize the short side, cut out the centre. stretch: resize to the input's size."
_ORDER_HELP = "BGR: blue first, as Caffe and OpenCV read images."
_RANGE_HELP = "What a byte of 255 becomes before mean and standard deviation: 1 or 255."


def _choice(
    label: str, options: tuple[_Name, ...], now: _Name, key: str, note: str | None = None
) -> _Name:
    return st.segmented_control(label, options, default=now, required=True, key=key, help=note)


def _numbers(label: str, now: tuple[float, ...], key: str) -> tuple[float, ...] | None:
    """One number a channel, written with commas; None and a line where it is none."""
    text = st.text_input(label, ", ".join(f"{value:.6g}" for value in now), key=key)
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        values = ()
    if len(values) != len(now):
        st.error(f"{label}: {len(now)} numbers with commas between them are needed.")
        return None
    # What is shown is rounded: only what somebody changed may differ from what was there.
    return now if values == tuple(float(f"{v:.6g}") for v in now) else values


def _fill(known: Preprocessing | None, now: Preprocessing, key: str) -> None:
    name = st.session_state[f"preset-{key}"]
    if name is None:
        return
    filled = known if name == OWN and known else from_preset(name, now.input_shape)
    state = {
        "fit": filled.fit,
        "resize": filled.resize_px,
        "interpolation": filled.interpolation,
        "order": filled.channel_order,
        "range": filled.value_range,
        "mean": ", ".join(f"{value:.6g}" for value in filled.mean),
        "std": ", ".join(f"{value:.6g}" for value in filled.std),
    }
    for field, value in state.items():
        st.session_state[f"{field}-{key}"] = value
