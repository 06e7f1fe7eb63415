"""Weights of a layer or a kernel, and the grid they are rounded to."""

import streamlit as st

from ui import format as fmt
from ui.network import require_network
from ui.router import ensure_router
from ui.state import focused_layer
from ui.weights.choice import choose_kernel, choose_quantizer, chosen_bits
from ui.weights.grids import grids_of
from ui.weights.kernels import errors, kernel_map
from ui.weights.layers import layer_list
from ui.weights.panel import panel
from ui.weights.tiles import tiles
from ui.weights.view import view_of

ensure_router("weights")
st.title("Weights")
prepared = require_network(
    "Here is the histogram of any layer's weights, or of one kernel's, with the values that b bits "
    "can represent laid over it."
)
layer = prepared.network.layer(focused_layer(prepared))
bits = chosen_bits()

left, right = st.columns([5, 9])
with left:
    layer_list(prepared, bits)
with right:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        quantizer = choose_quantizer()
        kernel = choose_kernel(layer)
    grids = grids_of(prepared, layer.name, quantizer)
    view = view_of(prepared, layer, kernel, bits, quantizer, grids)
    st.subheader(f":material/bar_chart: {fmt.plain(view.where)}", anchor=False)
    tiles(view)
    panel(prepared, view)

wide, narrow = st.columns([5, 3])
with wide:
    kernel_map(view)
with narrow:
    errors(view)
