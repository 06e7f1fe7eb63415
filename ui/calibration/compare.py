"""What the four methods, and the threshold in view, make of the focused layer."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from qcore.calibrate.clipping import Method
from qcore.store.job import Job
from ui import format as fmt
from ui.calibration.controls import method_of
from ui.calibration.loss import Spot, active, loss_line, measure_all, moved
from ui.calibration.methods import COMPARED, name_of, warning
from ui.calibration.search import LayerSearch, divergence_at, found_at
from ui.jobs import cancel

_KL = (
    "Between the values and their quantized copy, as entropy counts it. ∞ where the last bin kept "
    "is empty: such a threshold is no candidate. – below the first candidate, which keeps as many "
    "bins as there are levels."
)
_COLUMNS = {
    "threshold": st.column_config.NumberColumn(format="%.4g"),
    "clipped": st.column_config.NumberColumn(
        "clipped (%)", help="Share of all values beyond the threshold.", format="%.4f"
    ),
    "sqnr": st.column_config.NumberColumn("SQNR (dB)", format="%.1f"),
    "kl": st.column_config.TextColumn("KL (nats)", help=_KL, alignment="right"),
    "loss": st.column_config.TextColumn("true ΔL", alignment="right"),
    "interval": st.column_config.TextColumn("95 % interval", alignment="right"),
}

_WORDS = (
    "SQNR and KL are of the layer's values alone; ΔL is what the network loses with this layer "
    "alone quantized, on images. Entropy compares the shapes of two histograms and does not see "
    "how far clipped values lie: of values with few different sizes, such as pixels, and at few "
    "bits, it may clip nearly all."
)
_INPUTS = f"{_WORDS} The threshold cuts both sides; levels span what is left of the range seen."
_WEIGHTS = (
    f"{_WORDS} Of weights, max and mse find each kernel its own threshold, and their ΔL is that of "
    "all kernels so clipped; here the layer is drawn with one threshold for all its kernels."
)


def compare(spot: Spot, search: LayerSearch) -> None:
    """ΔL in view and a table of methods; follows measurements under way."""
    spots = tuple(moved(spot, search, method, spot.bits) for method in COMPARED)
    if spot not in spots:
        spots = (*spots, spot)
    running = any(active(one.job()) for one in spots)

    @st.fragment(run_every=0.4 if running else None)
    def follow() -> None:
        jobs = {one.choice: one.job() for one in spots}
        if running != any(active(job) for job in jobs.values()):
            st.rerun()  # the whole page: a fragment cannot begin or end following by itself
        loss_line(spot, jobs[spot.choice])
        st.dataframe(
            pd.DataFrame([_row(one, spot, search, jobs[one.choice]) for one in spots]),
            hide_index=True,
            key="calibration-methods",
            column_config=_COLUMNS,
            alt="One row a method: threshold, clipped share, error and measured loss.",
        )
        _button(spot, jobs, spots)

    follow()
    st.caption(_clips_much(spot, search) + (_WEIGHTS if spot.target == "weight" else _INPUTS))


def _button(spot: Spot, jobs: Mapping[Method | float, Job | None], spots: tuple[Spot, ...]) -> None:
    """Measure every row, or (while others than the one in view are under way) stop that."""
    running = [job.id for job in jobs.values() if job is not None and active(job)]
    if running and not active(jobs[spot.choice]):
        st.button(
            "Cancel",
            icon=":material/stop_circle:",
            key="cancel-all",
            on_click=_cancel_all,
            args=(running,),
        )
        return
    missing = tuple(one for one in spots if not _known(jobs[one.choice]))
    st.button(
        "Measure ΔL of all",
        icon=":material/science:",
        key="measure-all",
        on_click=measure_all,
        args=(missing,),
        disabled=not missing,
        help="Runs the network once for each threshold, with this layer alone quantized.",
    )


def _cancel_all(job_ids: list[str]) -> None:
    for job_id in job_ids:
        cancel(job_id)


def _known(job: Job | None) -> bool:
    return job is not None and (job.state == "finished" or active(job))


def _row(one: Spot, spot: Spot, search: LayerSearch, job: Job | None) -> dict[str, object]:
    key = one.source.key
    found = found_at(key, one.layer, one.target, one.bits, one.threshold, search.histogram)
    divergence = divergence_at(search.curves.get(one.bits), one.threshold)
    result = (job.result if job else None) or {}
    return {
        "method": _title(one, found.clipped) + (" · in view" if one == spot else ""),
        "threshold": one.threshold,
        "clipped": 100 * found.clipped,
        "sqnr": found.sqnr_db,
        "kl": "–" if divergence is None else f"{divergence:.4g}".replace("inf", "∞"),
        "loss": fmt.loss(result["delta_loss"]) if result else "…" if active(job) else "",
        "interval": fmt.interval(result["ci_low"], result["ci_high"]) if result else "",
    }


def _title(one: Spot, clipped: float) -> str:
    if isinstance(one.choice, float):
        return method_of(one.choice)
    parts = (name_of(one.choice, one.percentile), warning(one.choice, clipped))
    return " · ".join(part for part in parts if part)


def _clips_much(spot: Spot, search: LayerSearch) -> str:
    """A sentence where entropy would clip, or clips, a large part of the layer's values."""
    found = warning("entropy", search.clipped["entropy"][spot.bits])
    return f"**At {spot.bits} bits entropy {found} of these values.** " if found else ""
