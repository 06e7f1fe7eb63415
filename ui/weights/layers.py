"""All layers with the shape of their weights; a row is a click."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from qcore.graph.layer import Description
from qcore.prepare.grids_file import decibels
from qcore.prepare.prepared import Prepared
from qcore.prepare.statistics import Overview
from qcore.quantize.limits import GRID_BITS
from ui.select import focus_row
from ui.state import focused_layer, palette
from ui.weights.read import overview

_KEY = "weights-layers"
_ROW, _HEIGHT = 33, 800  # pixels: of a row, and at most, as high as what stands beside it


def layer_list(prepared: Prepared, bits: int) -> None:
    """Draw it; the focused layer is the selected row."""
    names = tuple(layer.name for layer in prepared.network.layers)
    # Set anew: the focus may have moved elsewhere, and a second click takes a selection away.
    st.session_state[_KEY] = {"selection": {"rows": [names.index(focused_layer(prepared))]}}
    st.dataframe(
        layer_frame(prepared.network, overview(prepared), bits),
        key=_KEY,
        hide_index=True,
        row_height=_ROW,
        height=min(_HEIGHT, _ROW * (len(names) + 1) + 3),
        on_select=lambda: focus_row(_KEY, names),
        selection_mode="single-row",
        column_config={
            "layer": st.column_config.TextColumn(width=172),
            "weights": st.column_config.AreaChartColumn(
                "weights",
                width=70,
                y_min=0,
                color=palette().accent,
                help="Histogram from minus to plus the largest magnitude, on a square-root scale.",
            ),
            "SQNR": st.column_config.NumberColumn(
                f"SQNR {bits} b",
                format="%.1f",
                width=66,
                help=f"In dB at {bits} bits, one scale a kernel.",
            ),
            "outlier": st.column_config.NumberColumn(
                "widest",
                format="%.1f×",
                width=62,
                help="The widest kernel's range over the median kernel's. Far above 1: outliers.",
            ),
            "operator": st.column_config.TextColumn(width="small"),
            "kernels": st.column_config.NumberColumn(format="localized"),
            "count": st.column_config.NumberColumn("number of weights", format="localized"),
        },
        alt="One row a layer: histogram of its weights, SQNR, widest over median kernel.",
    )


def layer_frame(network: Description, found: Overview, bits: int) -> pd.DataFrame:
    """One row a layer, in running order."""
    layers = network.layers
    errors = found.kernel_mse[:, GRID_BITS.index(bits)]
    median = np.where(found.median_amax > 0, found.median_amax, np.nan)
    return pd.DataFrame(
        {
            "layer": [layer.name for layer in layers],
            "weights": list(np.sqrt(found.sparklines).round(1).tolist()),
            "SQNR": decibels(found.energy, errors),
            "outlier": found.amax / median,
            "operator": [layer.op for layer in layers],
            "kernels": [layer.kernels for layer in layers],
            "count": [layer.weight_count for layer in layers],
        }
    )
