"""The question of the sensitivity page, and the buttons that start and stop."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import DataPair, DataSummary, Prepared
from qcore.quantize.limits import DEFAULT_BITS
from qcore.sensitivity.config import METHODS, TARGETS, Measure, Quantized, SensitivityConfig
from qcore.sensitivity.objectives import objectives_for
from qcore.store.job import Job
from ui.clipping import current_clipping
from ui.jobs import cancel
from ui.results import METHOD_NAMES, TARGET_NAMES, start_sensitivity
from ui.sensitivity.choices import more_choices, summary
from ui.sensitivity.filling import BITS, METHOD, TARGET, WIDTHS, fill


def controls(prepared: Prepared, pair: DataPair, job: Job | None) -> None:
    """The common choice first; the rest in a popover, and in a line what of it was changed."""
    data = pair.calibration
    objectives = objectives_for(prepared.network, data.labelled)
    fill(job, data, objectives)
    busy = job is not None and job.active and not job.lost()
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            method = _method(busy)
            target = _target(busy)
            bits = st.pills(
                "Bit widths",
                WIDTHS,
                selection_mode="multi",
                default=DEFAULT_BITS,
                key=BITS,
                persist_state="session",
                disabled=busy,
            )
        with st.container(horizontal=True, vertical_alignment="center"):
            button = st.container(width="content")
            more = more_choices(data, objectives, method, target, busy)
            config = SensitivityConfig(
                tuple(sorted(bits)),
                more.objective,
                more.images,
                method=method,
                target=target,
                clipping=current_clipping(),
                activation_bits=more.inputs,
                base=more.base,
                tolerance=more.tolerance,
                refine=more.refine,
            )
            with button:
                _button(prepared, data, job, config, busy)
            st.caption(_trouble(config) or summary(config, data, objectives[0]), width="stretch")


def _method(busy: bool) -> Measure:
    names: list[Measure] = list(METHODS)
    return st.segmented_control(
        "Measure",
        names,
        default="exact",
        required=True,
        key=METHOD,
        persist_state="session",
        format_func=lambda m: METHOD_NAMES[m],
        help="; ".join(f"{METHOD_NAMES[m]}: {text}" for m, text in METHODS.items()) + ".",
        disabled=busy,
    )


def _target(busy: bool) -> Quantized:
    targets: list[Quantized] = list(TARGETS)
    return st.segmented_control(
        "Quantized",
        targets,
        default="weight",
        required=True,
        key=TARGET,
        persist_state="session",
        format_func=lambda t: TARGET_NAMES[t],
        help="One layer at a time: " + "; ".join(TARGETS.values()) + ".",
        disabled=busy,
    )


def _trouble(config: SensitivityConfig) -> str | None:
    """Why the question cannot be asked."""
    if config.method == "hessian" and config.target != "weight":
        return ":material/error: The Hessian measure is of weights; choose Weights."
    if not config.bits:
        return ":material/error: Choose at least one bit width."
    apart = [str(bits) for bits in config.activation_bits if bits not in config.bits]
    if apart and config.method == "projected":
        return (
            ":material/error: Inputs of a projected run have widths that weights have too; choose "
            f"{', '.join(apart)} among the bit widths as well."
        )
    return None


def _button(
    prepared: Prepared, data: DataSummary, job: Job | None, config: SensitivityConfig, busy: bool
) -> None:
    if busy and job is not None:
        st.button(
            "Cancel",
            icon=":material/stop_circle:",
            on_click=cancel,
            args=(job.id,),
            disabled=job.cancel_requested,
        )
        return
    st.button(
        "Measure sensitivity",
        type="primary",
        icon=":material/play_arrow:",
        on_click=start_sensitivity,
        args=(prepared, data, config),
        disabled=_trouble(config) is not None,
    )
