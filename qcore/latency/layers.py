"""One layer at a time."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import numpy as np
import onnxruntime as ort

from qcore.errors import is_out_of_memory
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.hardware.pair import BitPair
from qcore.latency.calls import Call, Calls
from qcore.latency.layout import LAYOUT_CHANGES, without_layout_changes
from qcore.latency.measurement import LayerLatency, NotRun
from qcore.latency.operator_integer import four_bit_model, int8_model
from qcore.latency.operator_model import FloatArray, float_model
from qcore.latency.session import bound_run, open_optimised, open_session, operators
from qcore.latency.timing import Effort, time_in_turns

FULL, INT8, FOUR_BIT_WEIGHTS = BitPair(None, None), BitPair(8, 8), BitPair(4, None)
PAIRS = (FULL, INT8, FOUR_BIT_WEIGHTS)
"""What ONNX Runtime has kernels for. 8-bit weights with inputs of full precision are none of it:
they are unpacked to float32 in every run."""

INTEGER_KERNELS = frozenset({"QLinearConv", "QGemm"})
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_EFFORT = Effort(rounds=10, least_s=0.04, most_s=0.15)


class NoKernel(Exception):
    """ONNX Runtime has no kernel for a layer at a pair of bits. The message says so to a person."""


def time_layer(
    network: Network, layer: Layer, calls: Calls, threads: int, check: Callable[[], None]
) -> tuple[list[LayerLatency], list[NotRun]]:
    """The layer at each of ``PAIRS``: its times, and the reasons where there is none."""
    runs: dict[BitPair, Callable[[], None]] = {}
    not_run: list[NotRun] = []
    weight, bias = _stored(network, layer, calls)
    for pair in PAIRS:
        try:
            runs[pair] = _run(pair, calls, weight, bias, threads)
        except Exception as error:  # ONNX Runtime raises many types
            if is_out_of_memory(error):
                raise
            not_run.append(NotRun(layer.name, pair, reason_of(error)))
    times = time_in_turns(runs, _EFFORT, check)
    timed = [
        LayerLatency(pair, t.median_ms, t.low_ms, t.high_ms, t.repeats, layer.name)
        for pair, t in times.items()
    ]
    return timed, not_run


def reason_of(error: BaseException, what: str = "ONNX Runtime refuses it") -> str:
    """One line for a person, from the error that began it."""
    if isinstance(error, NoKernel):
        return str(error)
    while error.__cause__ is not None:
        error = error.__cause__
    lines = _COLOURS.sub("", str(error)).strip().splitlines()
    return f"{what}: {lines[0][:200] if lines else type(error).__name__}"


def _stored(network: Network, layer: Layer, calls: Calls) -> tuple[FloatArray, FloatArray | None]:
    shape = calls.uses[0].weight_shape
    weight = network.weight(layer).detach().float().cpu().reshape(shape).numpy()
    bias = None if calls.bias is None else calls.bias.float().numpy()
    return weight, bias


def _run(
    pair: BitPair, calls: Calls, weight: FloatArray, bias: FloatArray | None, threads: int
) -> Callable[[], None]:
    """What runs all uses of the layer once, one after another; equal ones share a session."""
    each = {
        call: bound_run(_session(pair, call, calls, weight, bias, threads))
        for call in dict.fromkeys(calls.uses)
    }
    if len(calls.uses) == 1:
        return each[calls.uses[0]]
    order = [each[call] for call in calls.uses]

    def run() -> None:
        for one in order:
            one()

    return run


def _session(
    pair: BitPair,
    call: Call,
    calls: Calls,
    weight: FloatArray,
    bias: FloatArray | None,
    threads: int,
) -> ort.InferenceSession:
    added = None
    if call.has_bias:
        added = bias if bias is not None else np.zeros(call.kernels, np.float32)
    if pair == FOUR_BIT_WEIGHTS:
        if call.kind != "linear":
            raise NoKernel("ONNX Runtime has kernels of 4-bit weights for linear layers only")
        return open_session(four_bit_model(call, weight, added).SerializeToString(), threads)
    if pair == INT8:
        model = int8_model(call, weight, added, calls.x_range, calls.y_range)
    else:
        model = float_model(call, weight, added)
    session, optimised = open_optimised(model.SerializeToString(), threads)
    if pair == INT8 and not uses_integers(operators(optimised)):
        raise NoKernel("ONNX Runtime has no 8-bit kernel for it: it would run as float32")
    alone = without_layout_changes(optimised, call)
    return session if alone is None else open_session(alone.SerializeToString(), threads)


def uses_integers(found: Counter[str]) -> bool:
    """True for one integer kernel and nothing beside but changes of layout."""
    kernels = [name for name in found.elements() if name not in LAYOUT_CHANGES]
    return len(kernels) == 1 and kernels[0] in INTEGER_KERNELS
