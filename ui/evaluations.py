"""Allocations of a network that were measured, or are to be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qcore.calibrate.clipping import Clipping
from qcore.hardware.size import Bits, average_bits, size_ledger
from qcore.jobs.questions import EvaluateQuestion, to_json
from qcore.measure.evaluation import Evaluation
from qcore.prepare.prepared import DataPair, Prepared
from qcore.quantize.limits import WeightBits
from qcore.sensitivity.config import Width
from qcore.sensitivity.objectives import Objective
from qcore.store.job import Job
from ui.engine import engine
from ui.results import jobs_of


@dataclass(frozen=True)
class Setting:
    """What an allocation is measured in: data, loss, clipping."""

    pair: DataPair
    objective: Objective
    clipping: Clipping

    def used_clipping(self, inputs: Iterable[int | None]) -> Clipping:
        """Without what says nothing while all ``inputs`` stay at full precision."""
        rounded = any(bits is not None for bits in inputs)
        return self.clipping if rounded else self.clipping.of("weight")


@dataclass(frozen=True, eq=False)
class Measurement:
    """An allocation (bits of weights, of each kernel where they differ, and of inputs by layer)
    that is measured or could be; ``job`` does it, None where nobody has asked."""

    question: EvaluateQuestion
    job: Job | None

    @property
    def result(self) -> Evaluation | None:
        """What it says, None before its end."""
        return None if self.job is None else _result_of(self.job)

    @property
    def asked(self) -> bool:
        """Measured, or about to be."""
        job = self.job
        return job is not None and (job.state == "finished" or (job.active and not job.lost()))


def measurement(
    prepared: Prepared, bits: Bits, inputs: Mapping[str, int | None], setting: Setting
) -> Measurement:
    """Look it up."""
    question = _question(prepared, bits, inputs, setting)
    return Measurement(question, engine().store.find(question.kind, to_json(question)))


def measurement_of(
    prepared: Prepared, widths: Mapping[str, Width], setting: Setting
) -> Measurement:
    """Look up that of one width a layer."""
    bits = {name: width.bits for name, width in widths.items()}
    inputs = {name: width.activation_bits for name, width in widths.items()}
    return measurement(prepared, bits, inputs, setting)


def start(measurements: Iterable[Measurement]) -> None:
    """Measure them on evaluation data."""
    for one in measurements:
        engine().runner.submit(one.question)


@dataclass(frozen=True)
class Measured:
    """A measured allocation: bits of weights (of each kernel where they differ) and of inputs by
    layer, None for full precision."""

    bits: dict[str, WeightBits | None]
    inputs: dict[str, int | None]
    clipping: Clipping
    size_bytes: int
    average_bits: float
    evaluation: Evaluation

    @property
    def widths(self) -> tuple[Width, ...] | None:
        """The width of each layer, in running order; None where one has no single width."""
        each = [(bits, self.inputs[name]) for name, bits in self.bits.items()]
        known = [Width(bits, inputs) for bits, inputs in each if isinstance(bits, int)]
        return tuple(known) if len(known) == len(each) else None


def measured(prepared: Prepared, setting: Setting) -> list[Measured]:
    """All allocations of this network measured on these data with this objective, newest first:
    at any bits of inputs, and at any clipping."""
    layers = [layer.name for layer in prepared.network.layers]
    found = []
    for job in _evaluations(prepared, setting):
        result = _result_of(job)
        if result is None:
            continue
        entries = {name: (weight, inputs) for name, weight, inputs in job.question["bits"]}
        bits = {name: _weight_bits(entries[name][0]) for name in layers}
        clipping = Clipping.from_json(job.question["clipping"])
        found.append(
            Measured(
                bits,
                {name: entries[name][1] for name in layers},
                clipping,
                size_ledger(prepared.network, bits, clipping.bias_correction).total_bytes,
                average_bits(prepared.network, bits),
                result,
            )
        )
    return found


def _result_of(job: Job) -> Evaluation | None:
    if job.state != "finished" or not job.result:
        return None
    return Evaluation.from_json(job.result)


def _weight_bits(entry: Any) -> WeightBits | None:
    """As JSON has it: a list where kernels differ."""
    return tuple(entry) if isinstance(entry, list) else entry


def pending_evaluations(prepared: Prepared, setting: Setting) -> list[Job]:
    """Measurements of this network that are queued or running, oldest first."""
    jobs = reversed(_evaluations(prepared, setting))
    return [job for job in jobs if job.active and not job.lost()]


def _evaluations(prepared: Prepared, setting: Setting) -> list[Job]:
    """All measurements on the evaluation data, newest first."""
    same = (setting.pair.evaluation.fingerprint, setting.objective)
    jobs = jobs_of("evaluate", prepared)
    return [j for j in jobs if (j.question["data_fingerprint"], j.question["objective"]) == same]


def _question(
    prepared: Prepared, bits: Bits, inputs: Mapping[str, int | None], setting: Setting
) -> EvaluateQuestion:
    data, clipping = setting.pair.evaluation, setting.used_clipping(inputs.values())
    rounded = any(width is not None for width in inputs.values())
    calibration = setting.pair.calibration if clipping.bias_correction or rounded else None
    return EvaluateQuestion(
        prepared.network.name,
        prepared.network.fingerprint,
        data.source,
        data.fingerprint,
        tuple((name, weight, inputs[name]) for name, weight in bits.items()),
        setting.objective,
        clipping,
        None if calibration is None else calibration.source,
        None if calibration is None else calibration.fingerprint,
    )
