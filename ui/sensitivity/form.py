"""The question of the sensitivity page, and the buttons that start, stop and resume."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from qcore.prepare.prepared import DataPair, DataSummary, Prepared
from qcore.quantize.limits import DEFAULT_BITS
from qcore.sensitivity.config import BASE_BITS, METHODS, TARGETS, Measure, SensitivityConfig
from qcore.sensitivity.objectives import OBJECTIVES, Objective, objectives_for
from qcore.store.job import Job
from ui import format as fmt
from ui.clipping import choose_clipping, current_clipping
from ui.jobs import cancel
from ui.results import METHOD_NAMES, TARGET_NAMES, start_sensitivity
from ui.router import PAGES

_WIDTHS = (2, 3, 4, 5, 6, 7, 8, 16)
_BITS, _TARGET = "sensitivity_bits", "sensitivity_target"
_BASE, _FULL, _BASE_NAME = "sensitivity_base", "Full precision", f"{BASE_BITS} bits"
_METHOD = "sensitivity_method"
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
                format_func=lambda t: TARGET_NAMES[t],
                help="One layer at a time: " + "; ".join(TARGETS.values()) + ".",
                disabled=busy,
            )
            names: list[Measure] = list(METHODS)
            method = st.segmented_control(
                "Measure",
                names,
                default="exact",
                required=True,
                key=_METHOD,
                persist_state="session",
                format_func=lambda m: METHOD_NAMES[m],
                help="; ".join(f"{METHOD_NAMES[m]}: {text}" for m, text in METHODS.items()) + ".",
                disabled=busy,
            )
            base = st.segmented_control(
                "All else",
                [_FULL, _BASE_NAME],
                default=_FULL,
                required=True,
                key=_BASE,
                persist_state="session",
                help="Of the exact measure: what is not being tried is at full precision, or has "
                "weights and inputs of 8 bits.",
                disabled=busy or method != "exact",
            )
            config = SensitivityConfig(
                tuple(sorted(bits)),
                objective,
                images,
                method=method,
                target=target,
                clipping=current_clipping(),
                base=BASE_BITS if base == _BASE_NAME else None,
            )
            _buttons(prepared, data, job, config, busy)
        if method == "hessian" and target != "weight":
            st.caption(":material/error: The Hessian measure is of weights; choose Weights.")
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
    st.session_state[_METHOD] = config["method"]
    st.session_state[_BASE] = _FULL if config["base"] is None else _BASE_NAME
    if config["objective"] in objectives:
        st.session_state[_objective_key(objectives)] = config["objective"]
    if job.question["data_fingerprint"] == data.fingerprint:
        st.session_state[_images_key(data)] = config["images"]


def _objective_key(objectives: tuple[Objective, ...]) -> str:
    return f"objective-{objectives[0]}"  # what can be chosen depends on network and labels


def _images_key(data: DataSummary) -> str:
    return f"images-{data.fingerprint[:8]}"


def _clipping_line(config: SensitivityConfig) -> None:
    """How the target is rounded, and what of it can be switched here."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Quantizer: {config.quantizer}.")
        _switch(
            "Bias correction",
            "bias_correction",
            "Take off each bias how much rounding moves the mean output of its kernel. It costs no "
            "bits and more than halves ΔL.",
        )
        _switch("Scale per kernel", "per_kernel", "Off: one scale for all kernels of a layer.")
        st.page_link(
            PAGES["calibration"].path, label="Change thresholds", icon=":material/straighten:"
        )


def _switch(label: str, name: str, help_text: str) -> None:
    key = f"clipping_{name}"
    st.session_state[key] = getattr(current_clipping(), name)
    st.toggle(label, key=key, on_change=_switched, args=(name, key), help=help_text)


def _switched(name: str, key: str) -> None:
    choose_clipping(replace(current_clipping(), **{name: st.session_state[key]}))


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
        disabled=not config.bits or (config.method == "hessian" and config.target != "weight"),
        help="A question that was answered before is answered from disk at once.",
    )
