"""Weights of a layer or a kernel, and the grid they are rounded to."""

import streamlit as st

from qcore.quantize.limits import GRID_BITS, WEIGHT_QUANTIZER
from ui import format as fmt
from ui.charts import chart
from ui.figures.histogram import bin_weights, histogram_figure
from ui.figures.kernels import error_figure, kernel_figure
from ui.network import require_network
from ui.router import ensure_router
from ui.state import focused_layer, palette
from ui.weights import choose_kernel, kernel_clicked, view_of

ensure_router("weights")
st.title("Weights")
prepared = require_network(
    "Here is the histogram of any layer's weights, or of one kernel's, with the values that b bits "
    "can represent laid over it."
)
layer = prepared.network.layer(focused_layer(prepared))

with st.container(horizontal=True, vertical_alignment="bottom"):
    bits = st.segmented_control(
        "Weight bits", GRID_BITS, default=4, required=True, key="grid_bits", bind="query-params"
    )
    kernel = choose_kernel(layer)
view = view_of(prepared, layer, kernel, bits)

name = fmt.plain(layer.name)
where = f"kernel {kernel} of {name}" if kernel is not None else name
st.subheader(f":material/bar_chart: {where}", anchor=False)
with st.container(horizontal=True):
    st.metric("Weights", f"{view.weights.size:,}", border=True)
    st.metric("Largest magnitude", f"{view.amax:.4g}", border=True)
    st.metric(
        "Threshold",
        f"{view.grid.threshold:.4g}",
        border=True,
        help="Larger magnitudes are clipped. Chosen to minimise the squared error.",
    )
    st.metric(
        "Step",
        f"{view.grid.scale:.4g}",
        border=True,
        help="The scale: distance between neighbouring levels.",
    )
    st.metric("Clipped", fmt.percent(view.error.clipped), border=True)
    sqnr = view.error.sqnr_db
    st.metric(
        "SQNR",
        "exact" if sqnr is None else f"{sqnr:.1f} dB",
        border=True,
        help="Energy of the weights over energy of their rounding error.",
    )

chart(
    histogram_figure(bin_weights(view.weights, view.grid.threshold), view.grid, palette()),
    "weights-histogram",
    f"Histogram of the weights of {where} with the {bits}-bit grid and its clipping threshold.",
)
if kernel is None:
    st.caption(
        "The grid shown is that of a single scale for the whole layer. The quantizer used "
        f"everywhere else is: {WEIGHT_QUANTIZER}. Choose a kernel to see its own grid."
    )
else:
    st.caption(f"This kernel's own grid. Quantizer: {WEIGHT_QUANTIZER}.")

left, right = st.columns([2, 1])
with left:
    st.markdown("**Kernels of this layer** (click one to open it)")
    chart(
        kernel_figure(view.kernel_amax, view.kernel_thresholds, bits, kernel, palette()),
        "weights-kernels",
        "One mark a kernel: largest magnitude and clipping threshold.",
        kernel_clicked,
    )
with right:
    st.markdown("**What each bit buys**")
    chart(
        error_figure(view.sqnr_by_bits, bits, palette()),
        "weights-error",
        "Signal to quantization noise ratio against bit width, about 6 dB a bit.",
    )
