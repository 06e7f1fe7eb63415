"""Where the bytes are."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from qcore.hardware.size import (
    FULL_PRECISION_BYTES,
    full_precision_bytes,
    layers_ratio,
    network_ratio,
    size_ledger,
)
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.allocation.workbench import Answer


def ledger_section(prepared: Prepared, answer: Answer) -> None:
    """Every part by name, and both ratios with what they are relative to."""
    network, corrected = prepared.network, answer.bench.table.config.corrects_biases
    bits = answer.problem.choose(answer.found.choice)
    ledger = size_ledger(network, bits, corrected)
    parts = {
        "packed weights": ledger.weight_bytes,
        "scales, one float32 a kernel": ledger.scale_bytes,
        "zero points (symmetric levels have none)": 0,
        "biases that bias correction adds to layers without one": ledger.correction_bytes,
        "biases and constants that stay 32 bit": ledger.other_bytes,
    }
    left, right = st.columns([3, 2])
    with left:
        st.dataframe(
            pd.DataFrame(
                {
                    "part": [*parts, "the whole network"],
                    "bytes": [*parts.values(), ledger.total_bytes],
                    "share": [100 * b / ledger.total_bytes for b in parts.values()] + [100.0],
                }
            ),
            hide_index=True,
            column_config={
                "bytes": st.column_config.NumberColumn(format="localized"),
                "share": st.column_config.ProgressColumn(
                    format="%.1f %%", min_value=0, max_value=100
                ),
            },
            alt="Bytes of the network by part.",
        )
    with right:
        full = full_precision_bytes(network)
        whole = network_ratio(network, bits, corrected)
        st.metric(
            "Whole network",
            f"1/{1 / whole:.3g}",
            border=True,
            help=f"{fmt.size(ledger.total_bytes)} of {fmt.size(full)}, all of it at 32 bit.",
        )
        own = layers_ratio(network, bits)
        weights = fmt.size(FULL_PRECISION_BYTES * network.weight_count)
        st.metric(
            "Quantized layers alone",
            "–" if own is None else f"1/{1 / own:.3g}",
            border=True,
            help=f"Their weights and scales, of {weights}: the same weights at 32 bit.",
        )
        st.caption(
            f"Relative to 32 bit: the whole network is {fmt.size(full)}, the quantized layers' "
            f"weights are {weights}."
        )
