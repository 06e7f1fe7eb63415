"""The same configuration on all hardware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import streamlit as st

from qcore.hardware import BitPair, Hardware
from qcore.hardware.at_bits import NetworkAtBits
from qcore.hardware.bound import Bound
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.downloads import download
from ui.hardware.known import title
from ui.hardware.run import BASELINE, counted, run_of

_DIGITS = 4
_WHY = "why not"
_FOUR = st.column_config.NumberColumn(format="%.4g")
_CONFIG = {
    **dict.fromkeys(("ms per image", "mJ per image", "ms per batch", "mJ per batch"), _FOUR),
    f"vs {BASELINE}": _FOUR,
    "hardware": st.column_config.TextColumn(pinned=True),
    "batch": st.column_config.NumberColumn(help="Images worked on together."),
    "multiplying (%)": st.column_config.NumberColumn(help="Part of the latency."),
    "weights (%)": st.column_config.NumberColumn(help="Part of the latency: waiting for weights."),
    "inputs (%)": st.column_config.NumberColumn(help="Part of the latency: waiting for inputs."),
    _WHY: st.column_config.TextColumn("why not, and what can be chosen", width="large"),
}
_SHARES: dict[Bound, str] = {
    "compute": "multiplying",
    "weights": "weights",
    "activations": "inputs",
}


def side_by_side(
    prepared: Prepared, machines: Mapping[str, Hardware], pairs: Sequence[BitPair]
) -> None:
    """A row a machine, each with the batch that its figures are for."""
    frame = table(prepared, machines, pairs)
    refused = bool((frame[_WHY] != "").any())
    shown = [str(name) for name in frame if name != _WHY or refused]
    st.dataframe(
        frame,
        column_order=shown,
        hide_index=True,
        key="hardware-side-by-side",
        column_config=_CONFIG,
        placeholder="–",
        alt="One row for each hardware: latency, energy, and how much uniform 8/8 bits take.",
    )
    st.caption(
        f"The bits chosen above on every hardware, each with its own batch. Compare the images, "
        f"not the batches. “vs {BASELINE}” is how many times uniform {BASELINE} bits take on the "
        "same hardware: of the latency, or of the energy where there is no latency. A dash is a "
        "figure that the hardware does not have."
    )
    download(
        "Table (CSV)",
        lambda: str(frame.to_csv(index=False)),
        f"{fmt.file_name(prepared.network.name)}-hardware.csv",
        "hardware-side-csv",
    )


def table(
    prepared: Prepared, machines: Mapping[str, Hardware], pairs: Sequence[BitPair]
) -> pd.DataFrame:
    """Columns in the units of their titles, four digits; None where a figure is not known."""
    network = prepared.network
    base = [BASELINE] * len(network.layers)
    return pd.DataFrame(
        [
            _row(
                title(name, machine),
                run_of(network, machine, pairs),
                run_of(network, machine, base),
            )
            for name, machine in machines.items()
        ]
    )


def _row(name: str, run: NetworkAtBits, baseline: NetworkAtBits) -> dict[str, object]:
    latency, energy = run.total_ms, run.total_mj
    shares = {bound: run.shares[bound] for bound in counted(run)} if run.shares else {}
    before, now = baseline.total_ms, latency
    if not run.hardware.has_latency:
        before, now = baseline.total_mj, energy
    return {
        "hardware": name,
        "runs": "no" if run.refusal else "yes",
        "ms per image": _digits(latency, run.batch),
        f"vs {BASELINE}": _digits(before / now) if before and now else None,
        "mJ per image": _digits(energy, run.batch),
        "batch": run.batch,
        "ms per batch": _digits(latency),
        "mJ per batch": _digits(energy),
        **{
            f"{words} (%)": None if bound not in shares else round(100 * shares[bound], 1)
            for bound, words in _SHARES.items()
        },
        _WHY: run.refusal or "",
    }


def _digits(value: float | None, parts: int = 1) -> float | None:
    return None if value is None else float(f"{value / parts:.{_DIGITS}g}")
