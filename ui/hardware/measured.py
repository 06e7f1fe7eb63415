"""What this network takes on this machine, measured."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from qcore.latency.hardware import disturbed_words
from qcore.latency.measurement import LatencyMeasurement, Total
from qcore.prepare.prepared import Prepared
from qcore.store.latencies import kept_at, latency_of
from ui import format as fmt
from ui.charts import chart
from ui.downloads import download, json_text
from ui.figures.measured_latency import measured_latency_figure
from ui.hardware.known import day
from ui.hardware.measure_here import newest_job, outcome, start_row, under_way
from ui.hardware.measured_figures import (
    FLOAT,
    INT8,
    layer_rows,
    not_run_rows,
    pair_name,
    quartiles,
    speed_up,
    timed_layers,
    whole_network,
)
from ui.jobs import follow
from ui.models import file_name_of
from ui.select import focus_clicked
from ui.state import focused_layer, palette


def measured_section(prepared: Prepared) -> None:
    """The button, a measurement under way, and the newest result."""
    found, job = latency_of(prepared.network.fingerprint), newest_job(prepared)
    busy = under_way(job)
    if found is None:
        st.info(
            "Nothing measured yet. ONNX Runtime runs this network here in float32, in 8-bit "
            "integers and in what else it has kernels for: every layer by itself, then the whole "
            "network, many times each after a warm-up. You see medians with their spread, and what "
            "does not run at all. The samples take ten seconds and half a minute on two "
            "cores; nothing else should be running meanwhile.",
            icon=":material/speed:",
        )
    start_row(prepared, "Measure this machine" if found is None else "Measure again", busy)
    if busy and job is not None:
        follow(job, "Measuring")
    else:
        outcome(job)
    if found is not None:
        _result(prepared, found)


def _result(prepared: Prepared, found: LatencyMeasurement) -> None:
    _how(prepared, found)
    _tiles(found)
    _sums(found.totals)
    names = [layer.name for layer in prepared.network.layers]
    chart(
        measured_latency_figure(
            names, timed_layers(found, names), focused_layer(prepared), palette()
        ),
        "hardware-measured",
        "Median latency of each layer at each pair of bits that runs here, with quartiles.",
        focus_clicked,
    )
    with st.expander("Every layer as a table", icon=":material/table_rows:"):
        _layers(found, names)
    _not_run(found)
    text = json_text(found.to_json())
    download(
        "Measurement (JSON)",
        text,
        f"{file_name_of(prepared.network.name)}-latency.json",
        "latency-json",
    )


def _how(prepared: Prepared, found: LatencyMeasurement) -> None:
    """Where the figures come from, in a line."""
    kept = kept_at(prepared.network.fingerprint)
    parts = [
        found.processor,
        f"{found.threads} thread{'s' * (found.threads != 1)}",
        f"{found.batch} image{'s' * (found.batch != 1)} in a batch",
        found.runtime,
        *([] if kept is None else [f"measured {day(kept)}"]),
        f"in {fmt.duration(found.seconds)}",
    ]
    st.caption(fmt.plain(" · ".join(parts)))
    disturbed = disturbed_words(found)
    if disturbed:
        st.caption(f":material/warning: {fmt.plain(disturbed)} Measure again when it is idle.")


def _tiles(found: LatencyMeasurement) -> None:
    with st.container(horizontal=True):
        for pair in (FLOAT, INT8):
            one = whole_network(found, pair)
            st.metric(
                f"Whole network, {pair_name(pair)}",
                "does not run" if one is None else f"{one.median_ms:#.3g} ms",
                border=True,
                help=None
                if one is None
                else f"Median of {one.repeats:,} runs; half of them took {quartiles(one)} ms.",
            )
        ratio = speed_up(found)
        if ratio is not None:
            st.metric(
                "Speed-up of int8",
                f"{ratio:.2f} ×",
                border=True,
                help="Of the whole network, float32 relative to int8. Below 1, 8-bit integers are "
                "slower here.",
            )


def _sums(each: tuple[Total, ...]) -> None:
    number = st.column_config.NumberColumn
    rows: list[dict[str, Any]] = [
        {
            "bits": pair_name(one.pair),
            "layers": one.layers_ms,
            "network": None if one.network is None else one.network.median_ms,
            "quartiles": quartiles(one.network),
            "difference": one.difference_ms,
            "percent": one.difference_percent,
            "note": _missing(one),
        }
        for one in each
    ]
    st.dataframe(
        pd.DataFrame(rows).astype(dict.fromkeys(("layers", "network"), "float")),
        hide_index=True,
        column_config={
            "bits": "weights/input",
            "layers": number("sum of layers (ms)", format="%.4g"),
            "network": number("whole network (ms)", format="%.4g"),
            "quartiles": "half of the runs (ms)",
            "difference": number(
                "difference (ms)",
                format="%+.3g",
                help="Whole network minus the sum: what is not in any layer, less what the runtime "
                "saves by running them together.",
            ),
            "percent": number("of the sum (%)", format="%+.1f"),
            "note": st.column_config.TextColumn("layers that do not run", width="medium"),
        },
        placeholder="–",
        alt="For each pair of bits, the sum of the layers beside the whole network.",
    )


def _missing(one: Total) -> str | None:
    if not one.missing:
        return None
    return f"{len(one.missing)}: {fmt.shortened(', '.join(one.missing), 60)}"


def _layers(found: LatencyMeasurement, names: list[str]) -> None:
    frame = pd.DataFrame(layer_rows(found, names))
    st.dataframe(
        frame,
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.4g")
            for name in frame.columns
            if name.endswith("(ms)")
        },
        placeholder="does not run",
        alt="Median and quartiles of each layer at each pair of bits.",
    )


def _not_run(found: LatencyMeasurement) -> None:
    rows = not_run_rows(found)
    if not rows:
        return
    with st.expander(
        "What does not run here, and is left empty", icon=":material/block:", key="latency-not-run"
    ):
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            column_config={
                "bits": "weights/input",
                "what": st.column_config.TextColumn("layers", width="medium"),
                "why": st.column_config.TextColumn("why", width="large"),
            },
            alt="Layers and bits that were not timed, with the reason.",
        )
