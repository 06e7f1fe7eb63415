"""Sensitivity jobs: one function for each measure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from qcore.jobs.inside import Listener, calibration_of, loaded, measuring, stopped_is_cancelled
from qcore.jobs.kept_projections import KERNELS, chunks_in, kernel_sums, pack_chunk
from qcore.jobs.questions import LayerLossQuestion, SensitivityQuestion
from qcore.jobs.reporter import Cancelled, Reporter
from qcore.sensitivity.config import Measure
from qcore.store.store import Store

if TYPE_CHECKING:
    from qcore.calibrate.calibration import Calibration
    from qcore.data.dataset import Dataset
    from qcore.graph.network import Network
    from qcore.sensitivity.config import SensitivityConfig
    from qcore.sensitivity.projection.chunk import ChunkProjections


@dataclass(frozen=True, eq=False)
class _Work:
    """What a measure works on, and whom it tells."""

    job_id: str
    asked: SensitivityQuestion
    network: Network
    data: Dataset
    calibration: Calibration | None
    store: Store
    progress: Listener
    should_stop: Callable[[], bool]


def sensitivity(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    asked = SensitivityQuestion.from_json(question)
    with stopped_is_cancelled(), measuring(job_id, store, reporter) as progress:
        network, data = loaded(asked, "calibration")
        calibration = calibration_for(asked.config, asked, progress, reporter)
        work = _Work(
            job_id, asked, network, data, calibration, store, progress, reporter.should_stop
        )
        return _MEASURES[asked.config.method](work)


def calibration_for(
    config: SensitivityConfig,
    asked: LayerLossQuestion | SensitivityQuestion,
    progress: Listener,
    reporter: Reporter,
) -> Calibration | None:
    """What thresholds of inputs are found on, where they are needed."""
    if not config.rounds_inputs:
        return None
    return calibration_of(asked, asked.data, asked.data_fingerprint, progress, reporter.should_stop)


def _exact(work: _Work) -> Mapping[str, Any]:
    from qcore.sensitivity.exact import measure_exact

    run = measure_exact(
        work.network,
        work.data,
        work.asked.config,
        calibration=work.calibration,
        done={(*p.cell, p.chunk) for p in work.store.pieces(work.job_id)},
        on_piece=lambda piece: work.store.add_piece(work.job_id, piece),
        on_progress=work.progress,
        should_stop=work.should_stop,
    )
    if not run.finished:
        raise Cancelled
    return {"one_forward_seconds": run.one_forward_seconds}


def _projected(work: _Work) -> Mapping[str, Any]:
    from qcore.sensitivity.projected import measure_projected

    known = work.store.arrays(work.job_id)
    sums = kernel_sums(known)

    def keep(number: int, chunk: ChunkProjections) -> None:
        nonlocal sums
        found = pack_chunk(number, chunk.projections)
        if chunk.kernels is not None:
            sums = chunk.kernels if sums is None else sums.joined(chunk.kernels)
            found[KERNELS] = sums.to_bytes()
        work.store.put_arrays(work.job_id, found)

    run = measure_projected(
        work.network,
        work.data,
        work.asked.config,
        calibration=work.calibration,
        done=chunks_in(known),
        on_chunk=keep,
        on_progress=work.progress,
        should_stop=work.should_stop,
    )
    if not run.finished:
        raise Cancelled
    return {"one_forward_seconds": run.one_forward_seconds}


def _noise(work: _Work) -> Mapping[str, Any]:
    from qcore.sensitivity.noise import measure_noise

    rows = measure_noise(
        work.network,
        work.data,
        work.asked.config,
        calibration=work.calibration,
        on_progress=work.progress,
        should_stop=work.should_stop,
    )
    return {"rows": [asdict(row) for row in rows]}


def _hessian(work: _Work) -> Mapping[str, Any]:
    from qcore.sensitivity.hessian import measure_hessian

    rows = measure_hessian(
        work.network,
        work.data,
        work.asked.config,
        on_progress=work.progress,
        should_stop=work.should_stop,
    )
    return {"rows": [asdict(row) for row in rows]}


_MEASURES: dict[Measure, Callable[[_Work], Mapping[str, Any]]] = {
    "exact": _exact,
    "hessian": _hessian,
    "noise": _noise,
    "projected": _projected,
}
