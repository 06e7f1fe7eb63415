"""The true ΔL of one layer at one threshold: asked for, followed, shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st

from qcore.calibrate.clipping import DEFAULT_PERCENTILE, Method, Target
from qcore.jobs.questions import LayerLossQuestion, to_json
from qcore.sensitivity.objectives import UNITS, objectives_for
from qcore.store.job import Job
from ui import format as fmt
from ui.calibration.dragged import rounded
from ui.calibration.search import LayerSearch
from ui.calibration.source import Source
from ui.clipping import current_clipping
from ui.engine import engine
from ui.jobs import cancel, progress_text

_MOST_IMAGES = 256
_LAST = "layer_loss_asked"


@dataclass(frozen=True)
class Spot:
    """Where a layer is clipped: at a method's ``threshold``, or at one by hand."""

    source: Source
    layer: str
    target: Target
    bits: int
    choice: Method | float
    threshold: float
    percentile: float

    @property
    def _by_kernel(self) -> bool:
        """True where each kernel finds a threshold of its own, so that no number says it all."""
        return self.target == "weight" and self.choice in ("max", "mse")

    def question(self) -> LayerLossQuestion:
        """Equal thresholds are the same question, whatever found them."""
        network, data = self.source.prepared.network, self.source.data
        clipping = current_clipping().of(self.target)
        return LayerLossQuestion(
            network.name,
            network.fingerprint,
            data.source,
            data.fingerprint,
            self.layer,
            self.target,
            self.bits,
            self.choice if self._by_kernel else rounded(self.threshold),
            DEFAULT_PERCENTILE,
            objectives_for(network, data.labelled)[0],
            min(_MOST_IMAGES, data.images),
            clipping.bias_correction,
            clipping.per_kernel,
        )

    def job(self) -> Job | None:
        """The measurement, None where nobody has asked."""
        question = self.question()
        return engine().store.find(question.kind, to_json(question))


def moved(spot: Spot, search: LayerSearch, choice: Method | float, bits: int) -> Spot:
    """The same layer clipped at another choice, or at other bits."""
    return replace(spot, choice=choice, bits=bits, threshold=search.threshold(choice, bits))


def measure(spot: Spot) -> None:
    """Ask for ΔL there; call from a callback. What this visitor released before is dropped."""
    last, job = st.session_state.get(_LAST), engine().runner.submit(spot.question())
    earlier = engine().store.job(last) if last and last != job.id else None
    if earlier is not None and earlier.active:
        cancel(earlier.id)
    st.session_state[_LAST] = job.id


def measure_all(spots: tuple[Spot, ...]) -> None:
    """Ask for ΔL at every one; for buttons."""
    for spot in spots:
        engine().runner.submit(spot.question())


def active(job: Job | None) -> bool:
    return job is not None and job.active and not job.lost()


def loss_line(spot: Spot, job: Job | None) -> None:
    """One line, always of the same height: ΔL, or how far its measurement is."""
    where = f"ΔL of this layer's {_what(spot.target)} at {spot.bits} bits"
    with st.container(
        height=58, border=False, horizontal=True, vertical_alignment="center", key="loss-line"
    ):
        if job is not None and active(job):
            st.progress(min(job.fraction, 1.0), text=f"{where}: {progress_text(job)}")
            st.button(
                "Cancel",
                icon=":material/stop_circle:",
                key="cancel-loss",
                on_click=cancel,
                args=(job.id,),
                disabled=job.cancel_requested,
            )
        elif job is not None and job.state == "finished" and job.result is not None:
            st.markdown(f":material/check_circle: {where}: {_answer(job)}")
        else:
            _ask(spot, job, where)


def _ask(spot: Spot, job: Job | None, where: str) -> None:
    st.button(
        "Measure ΔL",
        icon=":material/science:",
        key="measure-loss",
        on_click=measure,
        args=(spot,),
        help="Runs the network with this layer alone quantized, and compares the loss.",
    )
    if job is None:
        st.markdown(f"{where} has not been measured at this threshold.")
    elif job.state == "failed":
        st.markdown(f":material/error: {fmt.plain(job.message)}")
    else:
        st.markdown(f"{where}: the measurement was stopped.")


def _answer(job: Job) -> str:
    result = job.result or {}
    unit = UNITS[job.question["objective"]]
    low, high = result["ci_low"], result["ci_high"]
    interval = "" if low is None else f" (95 %: {fmt.interval(low, high)})"
    return (
        f"**{fmt.loss(result['delta_loss'])}** {unit}{interval} on {result['samples']:,} images, "
        f"measured in {fmt.duration(result['seconds'])}"
    )


def _what(target: Target) -> str:
    return "weights" if target == "weight" else "input"
