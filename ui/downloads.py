"""Tables and configurations as files."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import pandas as pd
import streamlit as st

from qcore.allocate.bits import BitAllocation
from qcore.graph.layer import Description
from qcore.sensitivity.table import SensitivityTable


def rows_csv(table: SensitivityTable) -> str:
    """The sensitivity rows as CSV."""
    return str(pd.DataFrame([asdict(row) for row in table.rows]).to_csv(index=False))


def allocation_csv(allocation: BitAllocation, network: Description) -> str:
    """One line a layer: name, operator, bits of weights and of the input, sizes, MACs."""
    lines = [
        {
            "layer": layer.name,
            "op": layer.op,
            "weight_bits": allocation.bits[layer.name],
            "activation_bits": allocation.activations.get(layer.name),
            "weight_count": layer.weight_count,
            "kernels": layer.kernels,
            "macs": layer.macs,
        }
        for layer in network.layers
    ]
    frame = pd.DataFrame(lines).astype({"weight_bits": "Int64", "activation_bits": "Int64"})
    return str(frame.to_csv(index=False))


def json_text(value: Mapping[str, Any]) -> str:
    """JSON as the command line writes it."""
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)


def download(label: str, text: str | Callable[[], str], file_name: str, key: str) -> None:
    """A download button that does not rerun the page; a function is called on the click."""
    mime = "application/json" if file_name.endswith(".json") else "text/csv"
    st.download_button(
        label, text, file_name, mime, key=key, on_click="ignore", icon=":material/download:"
    )
