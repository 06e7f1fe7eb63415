"""The whole network at once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import onnxruntime as ort

from qcore.errors import Stopped, is_out_of_memory
from qcore.graph.network import Network
from qcore.hardware.pair import BitPair
from qcore.latency.layers import (
    FOUR_BIT_WEIGHTS,
    FULL,
    INT8,
    INTEGER_KERNELS,
    NoKernel,
    reason_of,
)
from qcore.latency.measurement import NetworkLatency, NotRun
from qcore.latency.session import bound_run, open_optimised, open_session, operators
from qcore.latency.timing import Effort, time_in_turns
from qcore.latency.whole import onnx_model, quantized

Check = Callable[[float, str], None]

_EFFORT = Effort(rounds=20, least_s=0.5, most_s=3.0)


def time_network(
    network: Network, batch: int, threads: int, check: Check
) -> tuple[list[NetworkLatency], list[NotRun]]:
    """The network at full precision and at 8/8 bits, timed in turns, and why where it is not.

    ``check`` is told the share of this work that is done; what it raises ends it.
    """
    runs: dict[BitPair, Callable[[], None]] = {}
    reasons: dict[BitPair, str] = {}
    trouble = "the network cannot be written as ONNX"
    try:
        check(0.0, "exporting the network")
        model = onnx_model(network, batch)
        trouble = "ONNX Runtime refuses the network"
        runs[FULL] = bound_run(open_session(model, threads))
        check(0.4, "quantizing the network")
        trouble = "the network cannot be quantized"
        runs[INT8] = bound_run(_quantized_session(model, threads))
    except Exception as error:  # torch, onnx and ONNX Runtime raise many types
        if isinstance(error, Stopped) or is_out_of_memory(error):
            raise
        missing = [pair for pair in (FULL, INT8) if pair not in runs]
        reasons = dict.fromkeys(missing, reason_of(error, trouble))
    reasons[FOUR_BIT_WEIGHTS] = "4-bit weights were timed in layers alone"
    times = time_in_turns(runs, _EFFORT, partial(check, 0.8, "timing the network"))
    timed = [
        NetworkLatency(pair, t.median_ms, t.low_ms, t.high_ms, t.repeats)
        for pair, t in times.items()
    ]
    return timed, [NotRun(None, pair, reason) for pair, reason in reasons.items()]


def _quantized_session(model: bytes, threads: int) -> ort.InferenceSession:
    """Raises NoKernel where nothing in it is computed with integers."""
    session, optimised = open_optimised(quantized(model), threads)
    if not INTEGER_KERNELS & operators(optimised).keys():
        raise NoKernel("ONNX Runtime found no layer to compute with integers")
    return session
