"""One row of the sensitivity table. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qcore import fields
from qcore.sensitivity.config import METHODS, Measure, SensitivityConfig, Width


@dataclass(frozen=True)
class OutputNoise:
    """Error of a layer's own output: signal to noise in decibels (None: there is no error), mean
    squared error, and cosine between the output and its full-precision self."""

    sqnr_db: float | None
    mean_squared: float
    cosine: float


@dataclass(frozen=True)
class SensitivityRow:
    """ΔL of one layer, or of one of its kernels, at one width, and its 95 % interval.

    Loss of the network with only this target quantized minus the loss without, mean over images in
    the objective's unit; negative values are kept. Of method ``noise`` it is the error of the
    layer's output relative to its energy instead, with more in ``noise``; of ``hessian`` HAWQ's Ω.
    The interval is None where there are too few samples. ``method`` is how this row was found: a
    refined estimate has exact rows too. ``raw`` is the mean over the images where ``delta_loss`` is
    that of a kernel, shrunk (see ``kernel_estimates``), and ``squared_error`` the sum of squares of
    the rounding errors of its weights.
    """

    layer: str
    bits: int
    target: str
    delta_loss: float
    ci_low: float | None
    ci_high: float | None
    samples: int
    kernel: int | None = None
    activation_bits: int | None = None
    method: Measure = "exact"
    noise: OutputNoise | None = None
    raw: float | None = None
    squared_error: float | None = None

    @property
    def width(self) -> Width:
        return Width(self.bits, self.activation_bits)

    def to_json(self) -> dict[str, Any]:
        """All fields, as ``asdict`` gives them, but for a hundred thousand rows in no time."""
        noise = None if self.noise is None else asdict(self.noise)
        return {**vars(self), "noise": noise}


def row_from_json(row: Mapping[str, Any], config: SensitivityConfig) -> SensitivityRow:
    """The inverse of ``to_json``; KeyError, TypeError or ValueError for a wrong field."""
    whole = {"kernel": None, "activation_bits": None, "method": config.method, "noise": None, **row}
    if whole["method"] not in METHODS:
        raise ValueError(
            f"'method' of a row is {whole['method']!r}, not one of {', '.join(METHODS)}"
        )
    kernel, inputs, noise = whole["kernel"], whole["activation_bits"], whole["noise"]
    return SensitivityRow(
        layer=fields.text(row, "layer"),
        bits=fields.whole(row, "bits"),
        target=fields.text(row, "target"),
        delta_loss=fields.number(row, "delta_loss"),
        ci_low=fields.number_or_none(row, "ci_low"),
        ci_high=fields.number_or_none(row, "ci_high"),
        samples=fields.whole(row, "samples", 1),
        kernel=None if kernel is None else fields.whole(whole, "kernel"),
        activation_bits=None if inputs is None else fields.whole(whole, "activation_bits"),
        method=whole["method"],
        noise=None if noise is None else _noise(noise),
        raw=fields.number_or_none(row, "raw") if "raw" in row else None,
        squared_error=fields.number_or_none({"squared_error": None, **row}, "squared_error"),
    )


def _noise(data: Mapping[str, Any]) -> OutputNoise:
    return OutputNoise(
        fields.number_or_none(data, "sqnr_db"),
        fields.number(data, "mean_squared"),
        fields.number(data, "cosine"),
    )
