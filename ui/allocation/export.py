"""The configuration as files."""

from __future__ import annotations

import streamlit as st

from qcore.allocate.chosen import to_bit_allocation
from qcore.calibrate.clipping import Clipping
from qcore.cli.preparing import measure_command
from qcore.prepare.prepared import Prepared
from ui.allocation.workbench import Answer
from ui.downloads import allocation_csv, download, json_text
from ui.models import file_name_of


def export(prepared: Prepared, answer: Answer, clipping: Clipping) -> None:
    """The configuration as files."""
    table, method = answer.bench.table, answer.dialled.method
    allocation = to_bit_allocation(answer.problem, table, answer.found, method, clipping)
    title = file_name_of(prepared.network.name)
    name = f"{title}-{answer.costs['average_bits']:.2f}bits"
    with st.container(horizontal=True, vertical_alignment="center"):
        download(
            "Configuration (JSON)", json_text(allocation.to_json()), f"{name}.json", "cfg-json"
        )
        csv = allocation_csv(allocation, prepared.network)
        download("Configuration (CSV)", csv, f"{name}.csv", "cfg-csv")
        command = measure_command(prepared.network.name, table.data, f"{name}.json")
        st.caption(f"Measure it on this machine: `{command}`")
