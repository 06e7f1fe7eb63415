"""What a look at calibration data found."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from qcore.data.source import DataSource
from qcore.measure.data_report import DataReport, Trial
from qcore.measure.data_warnings import remarks_of, warnings_of
from qcore.prepare.prepared import DataPair, Prepared
from qcore.prepare.preview import read_preview
from qcore.store.job import Job
from ui import format as fmt
from ui.charts import chart
from ui.data import look_at, pair_of
from ui.figures.data import balance_figure, need_figure
from ui.router import PAGES
from ui.select import focus_clicked
from ui.state import focused_layer, palette

_MOST_CLASSES = 1000  # bars beyond this are no picture


def show_report(prepared: Prepared, job: Job, report: DataReport) -> None:
    """Preview, verdict, figures."""
    pair, source = pair_of(job), DataSource.from_json(job.question["data"])
    _tiles(pair, report)
    _verdict(prepared, source, report)
    _preview(pair)
    _charts(prepared, report)
    st.page_link(
        PAGES["sensitivity"].path, label="Next: measure sensitivity", icon=":material/grid_on:"
    )


def _tiles(pair: DataPair, report: DataReport) -> None:
    own = report.own
    with st.container(horizontal=True):
        st.metric(
            "Images",
            f"{pair.calibration.images:,} + {pair.evaluation.images:,}",
            border=True,
            help="To calibrate on, and others to measure on. The report is about the first.",
        )
        if own.accuracy is not None and report.chance is not None:
            st.metric(
                "Accuracy",
                fmt.percent(own.accuracy),
                border=True,
                help="Full precision, on the images to calibrate on. Always naming the commonest "
                f"class would give {fmt.percent(report.chance)}.",
            )
        if own.confidence is not None:
            st.metric(
                "Confidence",
                fmt.percent(own.confidence),
                border=True,
                help="Mean probability of the class that comes first. Networks are sure of images "
                "like those they were trained on.",
            )
        if report.class_counts:
            of = "" if report.classes is None else f" of {report.classes:,}"
            st.metric("Classes seen", f"{len(report.class_counts):,}{of}", border=True)
        st.metric(
            "Input values",
            f"{report.low:.3g} to {report.high:.3g}",
            border=True,
            help="What enters the network: mean "
            + ", ".join(f"{value:.3g}" for value in report.mean)
            + "; standard deviation "
            + ", ".join(f"{value:.3g}" for value in report.std),
        )


def _verdict(prepared: Prepared, source: DataSource, report: DataReport) -> None:
    """Warnings first, then what is merely worth knowing."""
    best, found = report.best_preset, warnings_of(report)
    for number, text in enumerate(found):
        st.warning(fmt.plain(text), icon=":material/warning:")
        if number == 0 and best is not None:  # the first warning is about it
            _use_button(prepared, source, best)
    if not found:
        st.success(
            "Nothing speaks against these data: the network knows such images, and the layers' "
            "inputs are alike in the even and the odd ones.",
            icon=":material/check_circle:",
        )
    notes = [*report.notes, *remarks_of(report)]
    if notes:
        st.info("  \n".join(fmt.plain(note) for note in notes), icon=":material/info:")


def _use_button(prepared: Prepared, source: DataSource, best: Trial) -> None:
    st.button(
        f"Use “{best.preset}”",
        type="primary",
        icon=":material/auto_fix_high:",
        on_click=look_at,
        args=(prepared, replace(source, preprocessing=best.preprocessing)),
    )


def _preview(pair: DataPair) -> None:
    preview = read_preview(pair.calibration.fingerprint)
    if preview is None:
        return
    st.markdown("**What the network sees** (resized and cropped; normalised after that)")
    labels = None if preview.labels is None else [f"class {label}" for label in preview.labels]
    st.image(
        list(preview.images),
        caption=labels,
        width=112,
        alt=["One of the images, as cropped"] * len(preview.images),
    )


def _charts(prepared: Prepared, report: DataReport) -> None:
    left, right = st.columns(2)
    with left:
        _thresholds(report, focused_layer(prepared))
    with right:
        if 0 < len(report.class_counts) <= _MOST_CLASSES:
            st.markdown("**Images of each class**")
            chart(balance_figure(report, palette()), "data-balance", "Bars: images of each class.")
        if report.trials:
            _trials(report)


def _thresholds(report: DataReport, focus: str) -> None:
    st.markdown("**How far each layer's threshold moves** between even and odd images")
    if all(la.move is None for la in report.layers):
        st.caption("There is one image only; from two on, the thresholds are compared.")
        return
    chart(
        need_figure(report, focus, palette()),
        "data-need",
        "Bars: relative difference of the 99.9th percentile of each layer's input.",
        focus_clicked,
    )
    _layer_line(report, focus)
    with st.expander("All layers", icon=":material/table_rows:"):
        _layer_table(report)


def _trials(report: DataReport) -> None:
    st.markdown("**The same images, prepared otherwise**")
    st.dataframe(
        pd.DataFrame([_trial_row(trial) for trial in report.trials]).dropna(
            axis="columns", how="all"
        ),
        hide_index=True,
        column_config={
            "prepared as": st.column_config.TextColumn(width="medium"),
            "accuracy": st.column_config.NumberColumn(format="%.1f %%", width="small"),
            "confidence": st.column_config.NumberColumn(format="%.1f %%", width="small"),
            "information": st.column_config.NumberColumn(
                "told (nats)",
                format="%.2f",
                width="small",
                help="How much the network tells about an image: high where it is sure of "
                "different things.",
            ),
        },
        alt="Accuracy and confidence of the network with each preset.",
    )
    count = report.trials[0].images
    st.caption(f"On {count:,} of the images. Sizes stay; only the values differ.")


def _layer_line(report: DataReport, focus: str) -> None:
    layer = next((la for la in report.layers if la.layer == focus), None)
    if layer is None or layer.even_threshold is None or layer.odd_threshold is None:
        return
    st.caption(
        f"**{fmt.plain(focus)}**: threshold {layer.even_threshold:.4g} on the even images, "
        f"{layer.odd_threshold:.4g} on the odd ones; images needed by CalibTIP's rule: "
        f"{layer.images_needed:,} (B ≥ C·k² / HW: one equation for each weight of a kernel)."
    )


def _layer_table(report: DataReport) -> None:
    st.dataframe(
        pd.DataFrame(
            {
                "layer": [la.layer for la in report.layers],
                "even": [la.even_threshold for la in report.layers],
                "odd": [la.odd_threshold for la in report.layers],
                "move": [None if la.move is None else 100 * la.move for la in report.layers],
                "needed": [la.images_needed for la in report.layers],
                "enough": [la.images_needed <= report.images for la in report.layers],
            }
        ),
        hide_index=True,
        column_config={
            "even": st.column_config.NumberColumn(
                "threshold, even images", format="%.4g", help="99.9th percentile of |input|."
            ),
            "odd": st.column_config.NumberColumn("odd images", format="%.4g"),
            "move": st.column_config.NumberColumn("moves by", format="%.1f %%"),
            "needed": st.column_config.NumberColumn(
                "images needed", format="localized", help="CalibTIP's rule, B ≥ C·k² / HW."
            ),
            "enough": st.column_config.CheckboxColumn("enough"),
        },
        alt="Thresholds in both halves and images needed, one row a layer.",
    )


def _trial_row(trial: Trial) -> dict[str, object]:
    return {
        "prepared as": trial.preset,
        "accuracy": None if trial.accuracy is None else 100 * trial.accuracy,
        "confidence": None if trial.confidence is None else 100 * trial.confidence,
        "information": trial.information,
    }
