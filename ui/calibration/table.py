"""All layers: a threshold from each method, what the chosen one costs, how stable it is."""

from __future__ import annotations

import shlex
from typing import Any

import pandas as pd
import streamlit as st

from qcore.calibrate.summary import Found, LayerThresholds
from qcore.cli.preparing import options_text
from ui.calibration.controls import Chosen, method_of
from ui.calibration.methods import COMPARED, name_of
from ui.calibration.search import found_at
from ui.calibration.source import Source, layer_calibration, thresholds_question
from ui.charts import chart
from ui.downloads import download, json_text
from ui.figures.calibration import LayerMark, stability_figure, thresholds_figure
from ui.jobs import finished, job_of
from ui.models import file_name_of
from ui.select import focus_clicked, focus_row
from ui.state import focused_layer, palette

_TABLE = "calibration-layers"
_MOST_ROWS = 12  # of a table that does not scroll
_NUMBER = st.column_config.NumberColumn


def all_layers(source: Source, chosen: Chosen) -> None:
    """Charts, table and downloads of all layers at the chosen bits."""
    what = "inputs" if chosen.target == "activation" else "weights"
    st.subheader(f":material/table_rows: All layers: {what} at {chosen.bits} bits", anchor=False)
    job = job_of(thresholds_question(source, chosen.bits, chosen.target, chosen.percentile))
    with st.container(height="content" if job.state == "finished" else 480, border=False):
        finished(job, f"Searching thresholds at {chosen.bits} bits")
    rows = _rows(job.id, job.result)
    found = [_chosen(row, source, chosen) for row in rows]
    _charts(source, chosen, rows, found)
    _table(chosen, rows, found)
    _downloads(source, chosen, rows, found)


@st.cache_data(max_entries=32, show_spinner=False)
def _rows(job_id: str, _result: Any) -> tuple[LayerThresholds, ...]:
    return tuple(LayerThresholds.from_json(row) for row in _result["rows"])


def _chosen(row: LayerThresholds, source: Source, chosen: Chosen) -> Found:
    """The threshold that counts for a layer, by its method or by hand."""
    choice = chosen.clipping.choice(row.name, row.target)
    if not isinstance(choice, float):
        return row.methods[choice]
    histogram = layer_calibration(source, row.name).histogram(row.target)
    return found_at(source.key, row.name, row.target, row.bits, choice, histogram)


def _charts(
    source: Source, chosen: Chosen, rows: tuple[LayerThresholds, ...], found: list[Found]
) -> None:
    focus = focused_layer(source.prepared)
    marks = tuple(
        LayerMark(
            row.name,
            row.amax,
            {method: row.methods[method].threshold for method in COMPARED},
            best.threshold,
            best.instability,
        )
        for row, best in zip(rows, found, strict=True)
    )
    st.caption(
        "Thresholds of four methods as a share of the largest magnitude seen: a layer far below "
        "the others has outliers. The ring is the chosen one. Click a mark to focus its layer."
    )
    chart(
        thresholds_figure(marks, chosen.percentile, focus, palette()),
        "calibration-thresholds",
        "Thresholds of four methods in every layer, relative to its largest magnitude.",
        focus_clicked,
    )
    if any(mark.instability is not None for mark in marks):
        st.caption(
            "How far the chosen method's thresholds from even and from odd images lie apart: where "
            "they differ much, more images are needed, or a threshold that follows single values "
            "less than max does."
        )
        chart(
            stability_figure(marks, focus, palette()),
            "calibration-stability",
            "Difference between the thresholds of two halves of the images, in every layer.",
            focus_clicked,
        )


def _table(chosen: Chosen, rows: tuple[LayerThresholds, ...], found: list[Found]) -> None:
    names = tuple(row.name for row in rows)
    frame = pd.DataFrame(
        [_line(row, best, chosen) for row, best in zip(rows, found, strict=True)]
    ).dropna(axis="columns", how="all")
    columns: dict[str, Any] = {
        "low": _NUMBER("lowest", format="%.4g"),
        "high": _NUMBER("highest", format="%.4g"),
        "zeros": _NUMBER("zeros (%)", help="Share of values that are exactly zero.", format="%.1f"),
        **{m: _NUMBER(name_of(m, chosen.percentile), format="%.4g") for m in COMPARED},
        "threshold": _NUMBER(
            "threshold", help="The one chosen: by this method, or by hand.", format="%.4g"
        ),
        "clipped": _NUMBER(
            "clipped (%)", help="Share of all values beyond the threshold.", format="%.4f"
        ),
        "sqnr": _NUMBER("SQNR (dB)", format="%.1f"),
        "unstable": _NUMBER(
            "halves (%)",
            format="%.1f",
            help="Threshold from even images against that from odd ones, relative to their mean. "
            "Empty where it was chosen by hand.",
        ),
    }
    st.dataframe(
        frame,
        hide_index=True,
        height="content" if len(frame) <= _MOST_ROWS else 460,
        key=_TABLE,
        on_select=lambda: focus_row(_TABLE, names),
        selection_mode="single-row",
        column_config=columns,
        placeholder="",
        alt="One row a layer: range, thresholds by method, the chosen one and its error.",
    )


def _line(row: LayerThresholds, best: Found, chosen: Chosen) -> dict[str, Any]:
    unstable = best.instability
    return {
        "layer": row.name,
        "chosen": method_of(chosen.clipping.choice(row.name, row.target)),
        "threshold": best.threshold,
        "clipped": 100 * best.clipped,
        "sqnr": best.sqnr_db,
        "unstable": None if unstable is None else 100 * unstable,
        "low": row.low,
        "high": row.high,
        "zeros": 100 * row.zeros,
        **{method: row.methods[method].threshold for method in COMPARED},
    }


def _downloads(
    source: Source, chosen: Chosen, rows: tuple[LayerThresholds, ...], found: list[Found]
) -> None:
    pairs = list(zip(rows, found, strict=True))
    network, data = source.prepared.network, source.data
    layers = [_export(row, best, chosen) for row, best in pairs]
    document = {
        "model": {"name": network.name, "fingerprint": network.fingerprint},
        "data": {"reference": data.source.reference, "fingerprint": data.fingerprint},
        "images": data.images,
        "percentile": chosen.percentile,
        "layers": layers,
    }
    title = file_name_of(network.name)
    name = f"{title}-{chosen.target}-thresholds-{chosen.bits}bits"
    with st.container(horizontal=True, vertical_alignment="center"):
        table = pd.DataFrame([_line(row, best, chosen) for row, best in pairs])
        download("CSV", str(table.to_csv(index=False)), f"{name}.csv", "thresholds-csv")
        download("JSON", json_text(document), f"{name}.json", "thresholds-json")
        own = chosen.clipping.overrides_of(chosen.target)
        but = ", but for the layers chosen on their own" if own else ""
        st.caption(f"The same on the command line{but}: `{_command(source, chosen)}`")


def _export(row: LayerThresholds, best: Found, chosen: Chosen) -> dict[str, Any]:
    """A layer as ``python -m qcore thresholds`` writes it."""
    choice = chosen.clipping.choice(row.name, row.target)
    return {
        "name": row.name,
        "target": row.target,
        "method": method_of(choice),
        "bits": row.bits,
        "threshold": best.threshold,
        "amax": row.amax,
        "low": row.low,
        "high": row.high,
        "clipped": best.clipped,
        "sqnr_db": best.sqnr_db,
    }


def _command(source: Source, chosen: Chosen) -> str:
    clipping, data = chosen.clipping, source.data.source
    method = clipping.method(chosen.target)
    words = ["python", "-m", "qcore", "thresholds", source.prepared.network.name, data.reference]
    words += ["--bits", str(chosen.bits), "--method", method, "--target", chosen.target]
    if method == "percentile":
        words += ["--percentile", f"{clipping.percentile(chosen.target):g}"]
    return f"{shlex.join(words)} {options_text(data)}".rstrip()
