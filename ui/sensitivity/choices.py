"""What is asked of a run beside its measure, its target and its bit widths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from qcore.prepare.prepared import DataSummary
from qcore.sensitivity.config import BASE_BITS, Measure, Quantized, SensitivityConfig
from qcore.sensitivity.objectives import OBJECTIVES, Objective
from ui import format as fmt
from ui.clipping import choose_clipping, current_clipping
from ui.router import PAGES
from ui.sensitivity.filling import (
    BASE,
    INPUTS,
    OFF,
    REFINE,
    TOLERANCE,
    WIDTHS,
    images_key,
    objective_key,
)

_TOLERANCES = (0.05, 0.1, 0.2)
_PASSES = (10, 30, 100)


@dataclass(frozen=True)
class Choices:
    """``tolerance`` and ``base`` are of exact runs, ``refine`` of projected weights, ``inputs`` of
    weights and inputs together: empty where both have the same width."""

    objective: Objective
    images: int
    base: int | None
    tolerance: float | None
    refine: int | None
    inputs: tuple[int, ...]


def more_choices(
    data: DataSummary,
    objectives: tuple[Objective, ...],
    method: Measure,
    target: Quantized,
    busy: bool,
) -> Choices:
    """The fields, in a popover."""
    with st.popover("More choices", icon=":material/tune:", width="content"):
        objective = st.segmented_control(
            "Loss",
            objectives,
            default=objectives[0],
            required=True,
            key=objective_key(objectives),
            persist_state="session",
            format_func=lambda o: fmt.LOSS_NAMES[o],
            help="; ".join(OBJECTIVES[o] for o in objectives),
            disabled=busy,
        )
        inputs = _inputs(busy or target != "both")
        images = _images(data, busy)
        base, tolerance = _exact_choices(busy or method != "exact")
        refine = _or_off(
            "Refine (projected weights)",
            REFINE,
            _PASSES,
            lambda passes: f"with {passes:.0f} forward passes",
            "Spends so many forward passes on exact values of the cells that decide an "
            "allocation; they are marked in the heat map.",
            busy or (method, target) != ("projected", "weight"),
        )
        _rounding()
    passes = None if refine is None else int(refine)
    return Choices(objective, images, base, tolerance, passes, inputs)


def _inputs(disabled: bool) -> tuple[int, ...]:
    chosen = st.pills(
        "Input widths (both)",
        WIDTHS,
        selection_mode="multi",
        key=INPUTS,
        persist_state="session",
        help="Every width of weights is combined with each of these. None: inputs have the width "
        "of the weights.",
        disabled=disabled,
    )
    return tuple(sorted(chosen))


def _images(data: DataSummary, busy: bool) -> int:
    return st.number_input(
        f"Images (of {data.images:,})",
        min_value=min(2, data.images),
        max_value=data.images,
        value=data.images,
        key=images_key(data),
        persist_state="session",
        help="More images, narrower intervals. Drawn at random, the same each time.",
        disabled=busy,
    )


def _exact_choices(disabled: bool) -> tuple[int | None, float | None]:
    base = st.segmented_control(
        "All else (exact)",
        [OFF, BASE_BITS],
        default=OFF,
        required=True,
        key=BASE,
        persist_state="session",
        format_func=lambda bits: f"{bits} bits" if bits else "Full precision",
        help="What is not being tried is at full precision, or has weights and inputs of "
        f"{BASE_BITS} bits.",
        disabled=disabled,
    )
    tolerance = _or_off(
        "Stop early (exact)",
        TOLERANCE,
        _TOLERANCES,
        lambda part: f"at {fmt.share(part)}",
        "A cell takes no more images once what all of them would give is known, at 95 %, to within "
        "this part of what all layers add at that width. Off: every cell takes all images.",
        disabled,
    )
    return base or None, tolerance


def _or_off(
    label: str,
    key: str,
    values: Sequence[float],
    text: Callable[[float], str],
    help_text: str,
    disabled: bool,
) -> float | None:
    """Off, or one of some values; one that the run in view has is among them, whatever it is."""
    options = sorted({OFF, *values, st.session_state.get(key, OFF)})
    chosen = st.selectbox(
        label,
        options,
        key=key,
        persist_state="session",
        format_func=lambda value: text(value) if value else "Off",
        help=help_text,
        disabled=disabled,
    )
    return chosen or None


def _rounding() -> None:
    """How weights are rounded, as far as it can be switched here."""
    _switch(
        "Bias correction",
        "bias_correction",
        "Take off each bias how much rounding moves the mean output of its kernel. It costs no "
        "bits and more than halves ΔL.",
    )
    _switch("Scale per kernel", "per_kernel", "Off: one scale for all kernels of a layer.")
    st.page_link(PAGES["calibration"].path, label="Change thresholds", icon=":material/straighten:")


def _switch(label: str, name: str, help_text: str) -> None:
    key = f"clipping_{name}"
    st.session_state[key] = getattr(current_clipping(), name)
    st.toggle(label, key=key, on_change=_switched, args=(name, key), help=help_text)


def _switched(name: str, key: str) -> None:
    choose_clipping(replace(current_clipping(), **{name: st.session_state[key]}))


def summary(config: SensitivityConfig, data: DataSummary, first: Objective) -> str:
    """What differs from the first choices, then how the target is rounded."""
    parts = [
        (config.objective != first, f"Loss: {fmt.LOSS_NAMES[config.objective]}"),
        (bool(config.activation_bits), f"inputs at {_listed(config.activation_bits)} bits"),
        (config.images != data.images, f"{config.images:,} of {data.images:,} images"),
        (config.base is not None, f"all else at {config.base} bits"),
        (
            config.tolerance is not None,
            f"stops early at {fmt.share(config.tolerance or 0)}",
        ),
        (config.refine is not None, f"refined with {config.refine} forward passes"),
    ]
    changed = [text for differs, text in parts if differs]
    words = f"**{'; '.join(changed)}**. " if changed else ""
    return f"{words}Quantizer: {config.quantizer}."


def _listed(widths: Sequence[int]) -> str:
    return ", ".join(map(str, widths))
