"""Allocations of a network that were measured, or are to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qcore.calibrate.clipping import Clipping
from qcore.hardware.size import average_bits, size_ledger
from qcore.jobs.questions import EvaluateQuestion, to_json
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import DataPair, Prepared
from qcore.sensitivity.objectives import Objective
from qcore.store.job import Job
from ui.engine import engine
from ui.results import jobs_of


@dataclass(frozen=True)
class Setting:
    """What an allocation is measured in: data, loss, bits of every layer's input, clipping."""

    pair: DataPair
    objective: Objective
    activation_bits: int | None
    clipping: Clipping

    @property
    def used_clipping(self) -> Clipping:
        """Without what says nothing while inputs stay at full precision."""
        whole = self.activation_bits is not None
        return self.clipping if whole else self.clipping.of("weight")


def start_evaluation(prepared: Prepared, bits: Mapping[str, int], setting: Setting) -> None:
    """Measure an allocation on evaluation data."""
    engine().runner.submit(_evaluation(prepared, bits, setting))


@dataclass(frozen=True)
class Measured:
    """A measured allocation. ``activation_bits`` is None for inputs of full precision."""

    bits: dict[str, int | None]
    activation_bits: int | None
    clipping: Clipping
    size_bytes: int
    average_bits: float
    evaluation: Evaluation


def evaluation_of(prepared: Prepared, bits: Mapping[str, int], setting: Setting) -> Job | None:
    """The job that measures this allocation, None where nobody has asked."""
    question = _evaluation(prepared, bits, setting)
    return engine().store.find(question.kind, to_json(question))


def measured(prepared: Prepared, setting: Setting) -> list[Measured]:
    """All allocations of this network measured on these data with this objective, newest first:
    at any bits of inputs, and at any clipping."""
    found = []
    for job in _evaluations(prepared, setting):
        if job.state != "finished" or not job.result:
            continue
        bits = {name: weight for name, weight, _ in job.question["bits"]}
        found.append(
            Measured(
                bits,
                next(activation for _, _, activation in job.question["bits"]),
                Clipping.from_json(job.question["clipping"]),
                size_ledger(prepared.network, bits).total_bytes,
                average_bits(prepared.network, bits),
                Evaluation.from_json(job.result),
            )
        )
    return found


def pending_evaluations(prepared: Prepared, setting: Setting) -> list[Job]:
    """Measurements of this network that are queued or running, oldest first."""
    jobs = reversed(_evaluations(prepared, setting))
    return [job for job in jobs if job.active and not job.lost()]


def _evaluations(prepared: Prepared, setting: Setting) -> list[Job]:
    """All measurements on the evaluation data, newest first."""
    same = (setting.pair.evaluation.fingerprint, setting.objective)
    jobs = jobs_of("evaluate", prepared)
    return [j for j in jobs if (j.question["data_fingerprint"], j.question["objective"]) == same]


def _evaluation(prepared: Prepared, bits: Mapping[str, int], setting: Setting) -> EvaluateQuestion:
    data, inputs = setting.pair.evaluation, setting.activation_bits
    calibrated = inputs is not None or setting.used_clipping.bias_correction
    calibration = setting.pair.calibration if calibrated else None
    return EvaluateQuestion(
        prepared.network.name,
        prepared.network.fingerprint,
        data.source,
        data.fingerprint,
        tuple((name, weight, inputs) for name, weight in bits.items()),
        setting.objective,
        setting.used_clipping,
        None if calibration is None else calibration.source,
        None if calibration is None else calibration.fingerprint,
    )
