"""Jobs that run the network: calibration, one layer, evaluation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from qcore.errors import BadInput
from qcore.jobs.inside import (
    calibration_if_needed,
    calibration_of,
    loaded,
    means_of,
    measuring,
    stopped_is_cancelled,
)
from qcore.jobs.questions import (
    CalibrateQuestion,
    EvaluateQuestion,
    LayerLossQuestion,
    ThresholdsQuestion,
)
from qcore.jobs.reporter import Cancelled, Reporter
from qcore.store.store import Store


def calibrate(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    asked, started = CalibrateQuestion.from_json(question), time.perf_counter()
    with stopped_is_cancelled(), measuring(job_id, store, reporter) as progress:
        found = calibration_of(
            asked, asked.data, asked.data_fingerprint, progress, reporter.should_stop
        )
    return {"images": found.images, "seconds": time.perf_counter() - started}


def thresholds(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.calibrate.summary import layer_thresholds

    asked = ThresholdsQuestion.from_json(question)
    with stopped_is_cancelled(), measuring(job_id, store, reporter) as progress:
        calibration = calibration_of(
            asked, asked.data, asked.data_fingerprint, progress, reporter.should_stop
        )
        rows = layer_thresholds(
            calibration,
            asked.bits,
            asked.target,
            asked.percentile,
            on_progress=progress,
            should_stop=reporter.should_stop,
        )
    return {"rows": [row.to_json() for row in rows]}


def layer_loss(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.calibrate.clipping import Clipping
    from qcore.sensitivity.config import SensitivityConfig
    from qcore.sensitivity.exact import measure_exact
    from qcore.sensitivity.pieces import rows_from_pieces

    asked, started = LayerLossQuestion.from_json(question), time.perf_counter()
    chosen = Clipping(
        weight_percentile=asked.percentile,
        activation_percentile=asked.percentile,
        bias_correction=asked.bias_correction,
        per_kernel=asked.per_kernel,
    ).with_choice(asked.layer, asked.target, asked.choice)
    config = SensitivityConfig(
        (asked.bits,), asked.objective, asked.images, target=asked.target, clipping=chosen
    )
    with stopped_is_cancelled(), measuring(job_id, store, reporter) as progress:
        network, data = loaded(asked, "calibration")
        if asked.layer not in {layer.name for layer in network.description.layers}:
            raise BadInput(f"{network.description.name} has no layer {asked.layer!r}")
        calibration = calibration_if_needed(config, asked, progress, reporter.should_stop)
        run = measure_exact(
            network,
            data,
            config,
            calibration=calibration,
            layers={asked.layer},
            on_progress=progress,
            should_stop=reporter.should_stop,
        )
    if not run.finished:
        raise Cancelled
    (row,) = rows_from_pieces(run.pieces, [asked.layer], config)
    return {
        "delta_loss": row.delta_loss,
        "ci_low": row.ci_low,
        "ci_high": row.ci_high,
        "samples": row.samples,
        "seconds": time.perf_counter() - started,
    }


def evaluate(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.allocate.bits import BitAllocation
    from qcore.measure.evaluate import evaluate as measure

    asked = EvaluateQuestion.from_json(question)
    allocation = BitAllocation(
        {name: weight for name, weight, _ in asked.bits},
        activations={name: activation for name, _, activation in asked.bits},
        clipping=asked.clipping,
    )
    with stopped_is_cancelled(), measuring(job_id, store, reporter) as progress:
        network, data = loaded(asked, "evaluation")
        calibration, means, source = None, None, asked.calibration
        if source is not None and asked.calibration_fingerprint is not None:
            fingerprint = asked.calibration_fingerprint
            known = (asked, source, fingerprint, progress, reporter.should_stop)
            calibration = calibration_of(*known) if allocation.quantizes_inputs else None
            means = means_of(*known) if allocation.corrects_biases else None
        return measure(
            network,
            data,
            allocation,
            asked.objective,
            calibration=calibration,
            means=means,
            on_progress=progress,
            should_stop=reporter.should_stop,
        ).to_json()
