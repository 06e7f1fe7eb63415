"""The question of the sensitivity page, and the buttons that start, stop and resume."""

from __future__ import annotations

import streamlit as st

from qcore.calibrate.clipping import quantizer_text
from qcore.prepare.prepared import DataPair, DataSummary, Prepared
from qcore.quantize.limits import DEFAULT_BITS
from qcore.sensitivity.table import (
    OBJECTIVES,
    TARGETS,
    Objective,
    SensitivityConfig,
    objectives_for,
)
from qcore.store.job import Job
from ui import format as fmt
from ui.clipping import current_clipping
from ui.jobs import cancel
from ui.results import start_sensitivity
from ui.router import PAGES

_WIDTHS = (2, 3, 4, 5, 6, 7, 8, 16)
_BITS, _TARGET = "sensitivity_bits", "sensitivity_target"
_FILLED = "sensitivity_filled"


def controls(prepared: Prepared, pair: DataPair, job: Job | None) -> None:
    """The question, and the buttons that start, stop and resume."""
    data = pair.calibration
    objectives = objectives_for(prepared.network, data.labelled)
    _fill(job, data, objectives)
    busy = job is not None and job.active and not job.lost()
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            bits = st.pills(
                "Bit widths",
                _WIDTHS,
                selection_mode="multi",
                default=DEFAULT_BITS,
                key=_BITS,
                persist_state="session",
                disabled=busy,
            )
            objective = st.segmented_control(
                "Loss",
                objectives,
                default=objectives[0],
                required=True,
                key=_objective_key(objectives),
                persist_state="session",
                format_func=lambda o: fmt.LOSS_NAMES[o],
                help="; ".join(OBJECTIVES[o] for o in objectives),
                disabled=busy,
            )
            images = st.number_input(
                f"Images (of {data.images:,})",
                min_value=min(2, data.images),
                max_value=data.images,
                value=data.images,
                key=_images_key(data),
                persist_state="session",
                width=150,
                help="More images, narrower intervals. Drawn at random, the same each time.",
                disabled=busy,
            )
            target = st.segmented_control(
                "Quantized",
                list(TARGETS),
                default="weight",
                required=True,
                key=_TARGET,
                persist_state="session",
                format_func=lambda t: {"weight": "Weights", "activation": "Inputs"}[t],
                help="One layer at a time: " + " or ".join(TARGETS.values()) + ".",
                disabled=busy,
            )
            config = SensitivityConfig(
                tuple(sorted(bits)), objective, images, target=target, clipping=current_clipping()
            )
            _buttons(prepared, data, job, config, busy)
        if not bits:
            st.caption(":material/error: Choose at least one bit width.")
        _clipping_line(config)


def _fill(job: Job | None, data: DataSummary, objectives: tuple[Objective, ...]) -> None:
    """Where another run comes into view, ask what it asked. Changes after that stay."""
    if job is None or st.session_state.get(_FILLED) == job.id:
        return
    st.session_state[_FILLED] = job.id
    config = job.question["config"]
    st.session_state[_BITS] = [bits for bits in _WIDTHS if bits in config["bits"]]
    st.session_state[_TARGET] = config["target"]
    if config["objective"] in objectives:
        st.session_state[_objective_key(objectives)] = config["objective"]
    if job.question["data_fingerprint"] == data.fingerprint:
        st.session_state[_images_key(data)] = config["images"]


def _objective_key(objectives: tuple[Objective, ...]) -> str:
    return f"objective-{objectives[0]}"  # what can be chosen depends on network and labels


def _images_key(data: DataSummary) -> str:
    return f"images-{data.fingerprint[:8]}"


def _clipping_line(config: SensitivityConfig) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Quantizer: {quantizer_text(config.clipping, config.target)}.")
        st.page_link(
            PAGES["calibration"].path, label="Change thresholds", icon=":material/straighten:"
        )


def _buttons(
    prepared: Prepared, data: DataSummary, job: Job | None, config: SensitivityConfig, busy: bool
) -> None:
    if busy and job is not None:
        st.button(
            "Cancel",
            icon=":material/stop_circle:",
            on_click=cancel,
            args=(job.id,),
            disabled=job.cancel_requested,
            help="Stops within a step. What is finished stays.",
        )
        return
    st.button(
        "Measure sensitivity",
        type="primary",
        icon=":material/play_arrow:",
        on_click=start_sensitivity,
        args=(prepared, data, config),
        disabled=not config.bits,
        help="A question that was answered before is answered from disk at once.",
    )
