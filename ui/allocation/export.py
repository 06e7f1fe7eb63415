"""The configuration as files."""

from __future__ import annotations

import streamlit as st

from qcore.allocate.budget import to_bit_allocation
from qcore.calibrate.clipping import Clipping
from qcore.cli.preparing import measure_command
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.table import SensitivityTable
from ui.allocation.dial import Choice
from ui.downloads import allocation_csv, download, json_text
from ui.models import file_name_of


def export(
    prepared: Prepared,
    table: SensitivityTable,
    choice: Choice,
    activation_bits: int | None,
    clipping: Clipping,
) -> None:
    """The configuration as files."""
    allocation = to_bit_allocation(
        choice.problem, table, choice.allocation, "ilp", activation_bits, clipping
    )
    title = file_name_of(prepared.network.name)
    name = f"{title}-{choice.point.average_bits:.2f}bits"
    st.subheader("Take it with you", anchor=False)
    with st.container(horizontal=True, vertical_alignment="center"):
        download(
            "Configuration (JSON)", json_text(allocation.to_json()), f"{name}.json", "cfg-json"
        )
        csv = allocation_csv(allocation, prepared.network)
        download("Configuration (CSV)", csv, f"{name}.csv", "cfg-csv")
        command = measure_command(prepared.network.name, table.data, f"{name}.json")
        st.caption(f"Measure it on this machine: `{command}`")
