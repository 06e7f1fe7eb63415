"""The histograms of a network on its calibration images: made once, read from disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from qcore.calibrate.calibration import LayerCalibration, read_layer_calibration
from qcore.jobs.questions import CalibrateQuestion, Question, ThresholdsQuestion
from qcore.prepare.prepared import DataPair, DataSummary, Prepared
from qcore.store.home import calibration_file
from qcore.store.job import Job
from ui.engine import engine
from ui.jobs import finished, job_of


@dataclass(frozen=True)
class Source:
    """A calibrated network: what it is, which images it saw, and the job that looked at them."""

    prepared: Prepared
    data: DataSummary
    job: Job

    @property
    def key(self) -> str:
        """Changes whenever the histograms do."""
        return f"{self.prepared.network.fingerprint}-{self.data.fingerprint}"

    @property
    def path(self) -> Path:
        return calibration_file(self.prepared.network.fingerprint, self.data.fingerprint)


def require_calibration(prepared: Prepared, pair: DataPair) -> Source:
    """The histograms, made where nobody has. Does not return while there are none."""
    data, network = pair.calibration, prepared.network
    path = calibration_file(network.fingerprint, data.fingerprint)
    question = CalibrateQuestion(network.name, network.fingerprint, data.source, data.fingerprint)
    job = job_of(question)
    if job.state == "finished" and not path.exists():  # the store kept the newest ones only
        engine().store.forget(job.id)
        job = job_of(question)
    finished(job, f"Counting values of {data.images:,} images")
    return Source(prepared, data, job)


def thresholds_question(source: Source, bits: int, target: str, percentile: float) -> Question:
    """What every method makes of every layer."""
    network, data = source.prepared.network, source.data
    return ThresholdsQuestion(
        network.name,
        network.fingerprint,
        data.source,
        data.fingerprint,
        bits,
        "weight" if target == "weight" else "activation",
        percentile,
    )


def layer_calibration(source: Source, layer: str) -> LayerCalibration:
    """One layer's histograms. A damaged file is made anew; does not return then."""
    found = _layer(source.key, layer, source.path)
    if found is None:
        _layer.clear()
        engine().store.forget(source.job.id)
        source.path.unlink(missing_ok=True)
        st.rerun()
    return found


@st.cache_data(max_entries=256, max_size="64MB", show_spinner=False)
def _layer(key: str, layer: str, _path: Path) -> LayerCalibration | None:
    return read_layer_calibration(_path, layer)
