"""Sensitivity jobs: one function for each measure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qcore.jobs.inside import (
    Listener,
    calibration_if_needed,
    loaded,
    measuring,
    stopped_is_cancelled,
)
from qcore.jobs.kept_projections import (
    CHUNK,
    KERNELS,
    chunks_in,
    kernel_sums,
    pack_chunk,
    projections_in,
)
from qcore.jobs.kept_rows import pack_rows
from qcore.jobs.questions import SensitivityQuestion, to_json
from qcore.jobs.reporter import Cancelled, Reporter
from qcore.sensitivity.config import Measure
from qcore.sensitivity.projected_rows import rows_from_projections
from qcore.store.job import Job
from qcore.store.store import Store

if TYPE_CHECKING:
    from qcore.calibrate.calibration import Calibration
    from qcore.data.dataset import Dataset
    from qcore.graph.network import Network
    from qcore.sensitivity.projection.chunk import ChunkProjections

_ORDER = "image order"
_ESTIMATE_PASSES = 8.0  # forward passes that projections take, to tell progress


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
        calibration = calibration_if_needed(asked.config, asked, progress, reporter.should_stop)
        work = _Work(
            job_id, asked, network, data, calibration, store, progress, reporter.should_stop
        )
        return _MEASURES[asked.config.method](work)


def _exact(work: _Work) -> Mapping[str, Any]:
    from qcore.sensitivity.exact import measure_exact

    order = work.store.arrays(work.job_id, _ORDER).get(_ORDER)
    run = measure_exact(
        work.network,
        work.data,
        work.asked.config,
        calibration=work.calibration,
        done=work.store.pieces(work.job_id),
        order=None if order is None else json.loads(order),
        on_order=lambda found: work.store.put_arrays(
            work.job_id, {_ORDER: json.dumps(found).encode()}
        ),
        on_piece=lambda piece: work.store.add_piece(work.job_id, piece),
        on_progress=work.progress,
        should_stop=work.should_stop,
    )
    if not run.finished:
        raise Cancelled
    return {"one_forward_seconds": run.one_forward_seconds}


def _projected(work: _Work) -> Mapping[str, Any]:
    from qcore.sensitivity.projected import measure_projected

    config, plain = work.asked.config, _unrefined(work)
    known = work.store.arrays(work.job_id)
    if not known and plain is not None and (known := work.store.arrays(plain.id)):
        work.store.put_arrays(work.job_id, known)
    sums = kernel_sums(known)

    def keep(number: int, chunk: ChunkProjections) -> None:
        nonlocal sums
        found = pack_chunk(number, chunk.projections)
        if chunk.kernels is not None:
            sums = chunk.kernels if sums is None else sums.joined(chunk.kernels)
            found[KERNELS] = sums.to_bytes()
        work.store.put_arrays(work.job_id, found)

    part = _ESTIMATE_PASSES / (_ESTIMATE_PASSES + (config.refine or 0))
    run = measure_projected(
        work.network,
        work.data,
        config,
        calibration=work.calibration,
        done=chunks_in(known),
        on_chunk=keep,
        on_progress=lambda fraction, text: work.progress(part * fraction, text),
        should_stop=work.should_stop,
    )
    if not run.finished:
        raise Cancelled
    seconds = run.one_forward_seconds
    if config.refine is None:
        return {"one_forward_seconds": seconds}
    return _refined(work, seconds, lambda f, text: work.progress(part + (1 - part) * f, text))


def _unrefined(work: _Work) -> Job | None:
    """The same question without refinement, where it has been asked: its projections are ours."""
    asked = work.asked
    if asked.config.refine is None:
        return None
    plain = replace(asked, config=replace(asked.config, refine=None))
    return work.store.find(plain.kind, to_json(plain))


def _refined(work: _Work, seconds: float | None, progress: Listener) -> Mapping[str, Any]:
    """Exact cells, on what has been kept of the projections; ``seconds`` of one forward pass."""
    from qcore.measure.refine import refine

    config = work.asked.config
    projections = projections_in(work.store.arrays(work.job_id, CHUNK))
    assert projections is not None  # the run before has finished
    run = refine(
        work.network,
        work.data,
        config,
        rows_from_projections(projections, config),
        done={piece.key for piece in work.store.pieces(work.job_id)},
        on_piece=lambda piece: work.store.add_piece(work.job_id, piece),
        on_progress=progress,
        should_stop=work.should_stop,
    )
    if not run.finished:
        raise Cancelled
    return {
        "one_forward_seconds": seconds or run.one_forward_seconds,
        "refine_passes": run.passes,
    }


def _noise(work: _Work) -> Mapping[str, Any]:
    from qcore.sensitivity.noise import measure_noise

    measure_noise(
        work.network,
        work.data,
        work.asked.config,
        calibration=work.calibration,
        on_rows=lambda rows: work.store.put_arrays(work.job_id, pack_rows(rows)),
        on_progress=work.progress,
        should_stop=work.should_stop,
    )
    return {}


def _hessian(work: _Work) -> Mapping[str, Any]:
    from qcore.sensitivity.hessian import measure_hessian

    measure_hessian(
        work.network,
        work.data,
        work.asked.config,
        on_rows=lambda rows: work.store.put_arrays(work.job_id, pack_rows(rows)),
        on_progress=work.progress,
        should_stop=work.should_stop,
    )
    return {}


_MEASURES: dict[Measure, Callable[[_Work], Mapping[str, Any]]] = {
    "exact": _exact,
    "hessian": _hessian,
    "noise": _noise,
    "projected": _projected,
}
