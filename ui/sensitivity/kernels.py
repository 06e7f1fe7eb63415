"""The kernels of the focused layer: which of them a bit width hurts."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from qcore.jobs.answers import kernel_answer
from qcore.prepare.grids_file import symmetric_grids
from qcore.prepare.prepared import Prepared
from qcore.quantize.limits import GRID_BITS
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.kernel_estimates import KernelEstimates
from qcore.store.job import Job
from ui import format as fmt
from ui.charts import chart
from ui.engine import engine
from ui.figures.kernel_histogram import kernel_histogram_figure
from ui.figures.kernel_losses import LEAST, WORST, KernelBars, kernel_bars, kernel_losses_figure
from ui.router import PAGES
from ui.select import clicked
from ui.sensitivity.halves import halves
from ui.sensitivity.kernel_words import shrinkage_words
from ui.state import palette
from ui.weights.choice import BITS, KERNEL
from ui.weights.read import kernel_weights, statistics

_CHART, _PILLS = "sensitivity-kernels", "sensitivity-worst-kernels"
_WIDTH, _CHOSEN = "sensitivity_kernel_bits", "sensitivity_kernel_chosen"
_LISTED = 5


def kernels_section(prepared: Prepared, job: Job, focus: str) -> None:
    """Sorted bars of the layer's kernels, and the weights of the one that was clicked."""
    config = SensitivityConfig.from_json(job.question["config"])
    if (config.method, config.target) != ("projected", "weight"):
        st.info(
            "Kernels are estimated by the projected measure of weights: one run of a few passes "
            "gives all of them, at every bit width. Choose **Projected** and **Weights** above, "
            "and measure.",
            icon=":material/info:",
        )
        return
    found = _estimates(job.id, job.asked_at, job.fraction, job.state, job)
    if found is None:
        with st.container(height=200, border=False):
            st.caption("No image has been projected yet.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown(
            f"**Kernels of {fmt.plain(focus)}**, ΔL of each rounded alone. Click a bar to see its "
            "weights."
        )
        bits = _bits(found)
    bars = kernel_bars(found, focus, bits, config.unit)
    chosen = _chosen(focus, bars)
    left, right = halves()
    with left:
        chart(
            kernel_losses_figure(bars, chosen, palette()),
            _CHART,
            f"Added loss of the kernels of {focus} at {bits} bits, the worst on the left, with "
            f"intervals{'' if bars.raw is None else '; dashes are the values before shrinking'}.",
            lambda key: _clicked(key, focus),
        )
        st.caption(_hidden(bars) + shrinkage_words(found, focus, bits))
    with right:
        _worst(bars, focus, chosen)
        _histogram(prepared, focus, chosen, bits)


@st.cache_resource(max_entries=4, show_spinner=False)
def _estimates(
    job_id: str, asked_at: float, fraction: float, state: str, _job: Job
) -> KernelEstimates | None:
    return kernel_answer(engine().store, _job)


def _bits(found: KernelEstimates) -> int:
    if st.session_state.get(_WIDTH) not in found.bits:
        st.session_state[_WIDTH] = min(found.bits)
    chosen = st.segmented_control(
        "At bits", sorted(found.bits), required=True, key=_WIDTH, persist_state="session"
    )
    return min(found.bits) if chosen is None else chosen


def _chosen(layer: str, bars: KernelBars) -> int:
    """The kernel that was clicked in this layer, else the worst."""
    known, kernel = st.session_state.get(_CHOSEN, (None, 0))
    return kernel if known == layer and kernel < bars.total else int(bars.kernels[0])


def _clicked(key: str, layer: str) -> None:
    data: Any = clicked(key)
    if data is not None:
        st.session_state[_CHOSEN] = (layer, int(data[0] if isinstance(data, list) else data))


def _listed(layer: str) -> None:
    kernel = st.session_state[_PILLS]
    if kernel is not None:
        st.session_state[_CHOSEN] = (layer, kernel)


def _worst(bars: KernelBars, layer: str, chosen: int) -> None:
    """The worst few to click; the one in view is lit."""
    values = dict(zip(bars.kernels[:_LISTED].tolist(), bars.losses.tolist(), strict=False))
    st.session_state[_PILLS] = chosen if chosen in values else None
    st.pills(
        "The worst kernels",
        list(values),
        key=_PILLS,
        format_func=lambda kernel: f"{kernel} · {fmt.loss(values[kernel])}",
        on_change=_listed,
        args=(layer,),
        wrap=True,
    )


def _histogram(prepared: Prepared, layer: str, kernel: int, bits: int) -> None:
    """The weights of a kernel, small; the page Weights has more."""
    shown = bits in GRID_BITS
    grids = symmetric_grids(statistics(prepared, layer)) if shown else None
    weights = kernel_weights(prepared, layer, kernel)
    st.markdown(f"**Weights of kernel {kernel}** ({np.size(weights):,})")
    chart(
        kernel_histogram_figure(
            weights, None if grids is None else grids.levels(bits, kernel), bits, palette()
        ),
        "sensitivity-kernel-weights",
        f"Histogram of the weights of kernel {kernel}, with the values of {bits} bits as lines.",
    )
    query = {KERNEL: str(kernel), **({BITS: str(bits)} if shown else {})}
    st.page_link(
        PAGES["weights"].path,
        label=f"Kernel {kernel} on the page Weights",
        icon=PAGES["weights"].icon,
        query_params=query,
        help="There its grid can be dragged. Lines here: least squared error, a scale a kernel.",
    )


def _hidden(bars: KernelBars) -> str:
    if not bars.hidden:
        return ""
    return (
        f"Drawn are the {WORST} worst and the {LEAST} least of {bars.total:,} kernels; "
        f"{bars.hidden:,} between them are not. "
    )
