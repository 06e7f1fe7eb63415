"""Which quantizer, kernel and bits are looked at. All are in the URL."""

from __future__ import annotations

from typing import Any

import streamlit as st

from qcore.graph.layer import Layer
from qcore.quantize.limits import GRID_BITS
from qcore.quantize.quantizer_texts import DEFAULT_QUANTIZER, QUANTIZER_TEXTS
from ui.select import clicked
from ui.state import put_in_url

BITS = "grid_bits"
"""Query parameter."""

KERNEL = "kernel"
"""Query parameter, and the key of the menu."""

_ALL, _QUANTIZER = "all", "quantizer"
# Leaving the page empties the URL, and its widgets are forgotten.
_KEPT_BITS, _KEPT_QUANTIZER = "grid_bits_kept", "quantizer_kept"
_DEFAULT_BITS = 4
_MOST_KERNELS = 10_000  # every name in the menu goes to the browser


def choose_quantizer() -> str:
    """A menu of the quantizers."""
    asked = st.query_params.get(_QUANTIZER) or st.session_state.get(_KEPT_QUANTIZER)
    if _QUANTIZER not in st.session_state and asked in QUANTIZER_TEXTS:
        st.session_state[_QUANTIZER] = asked
    name = st.selectbox(
        "Quantizer",
        list(QUANTIZER_TEXTS),
        key=_QUANTIZER,  # not bound: the URL would hold the title
        format_func=lambda name: QUANTIZER_TEXTS[name].title,
        width=400,
        help="For looking at. Everything else uses symmetric levels with one scale a kernel, "
        "clipped as chosen here or on the page Calibration.",
    )
    st.session_state[_KEPT_QUANTIZER] = name
    put_in_url(_QUANTIZER, None if name == DEFAULT_QUANTIZER else name)
    return name


def choose_kernel(layer: Layer) -> int | None:
    """A menu of the layer's kernels; None is the whole layer."""
    listed = min(layer.kernels, _MOST_KERNELS)
    options = [_ALL, *(str(number) for number in range(listed))]
    if st.session_state.get(KERNEL, _ALL) not in options:
        del st.session_state[KERNEL]  # a number of a wider layer
    chosen = st.selectbox(
        f"Kernel (0 to {listed - 1}" + (")" if listed == layer.kernels else ", the first ones)"),
        options,
        key=KERNEL,
        bind="query-params",
        width=170,
        help="Type a number to find it, or click a kernel below.",
    )
    return None if chosen == _ALL else int(chosen)


def kernel_clicked(chart_key: str) -> None:
    """Open the kernel that was clicked."""
    number: Any = clicked(chart_key)
    if number is not None:
        st.session_state[KERNEL] = str(int(number[0] if isinstance(number, list) else number))


def chosen_bits() -> int:
    """The bit width whose grid is shown."""
    asked = st.query_params.get(BITS) or st.session_state.get(_KEPT_BITS)
    chosen = next((bits for bits in GRID_BITS if str(bits) == asked), None)
    if chosen is not None:
        keep_bits(chosen)
    return chosen or _DEFAULT_BITS


def keep_bits(bits: int) -> None:
    """Show the grid of that bit width; call before it is drawn."""
    st.session_state[_KEPT_BITS] = str(bits)
    put_in_url(BITS, str(bits))
