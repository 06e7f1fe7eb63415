"""A network and its layers."""

import re

import streamlit as st

from qcore.hardware.size import full_precision_bytes
from ui import format as fmt
from ui.bring import bring_network
from ui.charts import chart
from ui.figures.layers import share_figure
from ui.models import title_of
from ui.network import forget_network, require_network
from ui.own_file import own_file
from ui.router import PAGES, ensure_router
from ui.select import focus_clicked, focus_row
from ui.state import focused_layer, palette
from ui.tables import layer_table

ensure_router("network")
st.title("Network")
prepared = require_network(
    "Bitdial answers one question about a trained network: **how many bits does each layer need?**"
)
network = prepared.network
focus = focused_layer(prepared)

st.markdown(f"**{fmt.plain(title_of(network.name))}**")
with st.container(horizontal=True):
    extra = "".join(f"; {name}: {fmt.shape(shape)}" for name, shape in network.extra_inputs)
    outputs = ", ".join(fmt.shape(shape) for shape in network.output_shapes)
    st.metric(
        "Input",
        fmt.shape(network.input_shape),
        border=True,
        help=fmt.plain(f"Of one image{extra}. Out come: {outputs}."),
    )
    st.metric(
        "Parameters",
        fmt.count(network.parameters),
        border=True,
        help="As the network was trained, before batch norm was folded into its layers.",
    )
    st.metric(
        "Layers",
        len(network.layers),
        border=True,
        help="Convolutions and linear layers: what can be quantized.",
    )
    st.metric(
        "Kernels",
        fmt.count(network.kernels),
        border=True,
        help="Output channels. Each has a scale of its own.",
    )
    st.metric(
        "Operations",
        f"{fmt.count(network.macs)} MAC",
        border=True,
        help="Multiply-accumulates for one image.",
    )
    st.metric(
        "Size at 32 bit",
        fmt.size(full_precision_bytes(network)),
        border=True,
        help="Weights, biases and all other stored values of the folded network.",
    )
if network.weights_note:
    st.warning(fmt.plain(network.weights_note), icon=":material/warning:")
    for address in re.findall(r"https://\S+", network.weights_note):
        st.code(address, language=None)
    st.button("Try again", icon=":material/refresh:", on_click=forget_network)
if network.notes:
    st.info("  \n".join(fmt.plain(note) for note in network.notes), icon=":material/info:")

st.subheader("Where weights and work are")
chart(
    share_figure(network, focus, palette()),
    "network-share",
    "Bars: each layer's share of weights and of multiply-accumulates, in running order.",
    focus_clicked,
)

names = tuple(layer.name for layer in network.layers)
st.dataframe(
    layer_table(network),
    hide_index=True,
    key="network-layers",
    on_select=lambda: focus_row("network-layers", names),
    selection_mode="single-row",
    column_config={
        "share": st.column_config.ProgressColumn(
            "share of weights", format="%.1f %%", min_value=0, max_value=100
        ),
        "kernels": st.column_config.NumberColumn(format="localized"),
        "weights": st.column_config.NumberColumn(format="localized"),
        "MACs": st.column_config.NumberColumn("MACs per image", format="localized"),
    },
    alt="One row a layer.",
)
others = ", ".join(f"{op} × {count}" for op, count in network.not_quantized.items())
st.caption(
    f"Select a row or a bar to focus a layer. {network.folded_batch_norms} batch norms were folded "
    f"into the layer before them. Not quantized, runs at 32 bit: {others or 'nothing'}."
)
if prepared.data:
    labels = "labelled" if prepared.data.calibration.labelled else "without labels"
    st.caption(
        f"Data: {prepared.data.calibration.images:,} images to calibrate on, "
        f"{prepared.data.evaluation.images:,} others to measure on, {labels}."
    )
else:
    st.page_link(PAGES["data"].path, label="Next: bring images", icon=":material/photo_library:")
own_file(network.name)
with st.expander("Open another network", icon=":material/folder_open:"):
    bring_network()
