"""The machine that this runs on, as far as a network was measured on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np

from qcore.graph.layer import Layer
from qcore.hardware.model import Cost, Hardware
from qcore.hardware.pair import BitPair, in_order
from qcore.latency.measurement import LatencyMeasurement

THIS_MACHINE = "this-machine"
_BUSY = 0.3  # of one core: less is what a machine does by itself

_LEAVES_OUT = (
    "every operator that is no layer, and activation functions",
    "what a layer gains or loses beside others: each was timed alone, in its kernel's own layout, "
    "and calling it by itself takes some thousandths of a millisecond",
    "quantizing the network's input, and changing bits between layers",
)


def measured_hardware(measurement: LatencyMeasurement) -> Hardware:
    """The machine of a measurement, for the network that was measured and no other.

    It takes the pairs of bits that were timed and no others; a layer that was not timed at one has
    NaN there. Nothing is interpolated. Example: a convolution measured at full precision and at
    8/8 bits has NaN at 4-bit weights, at which only linear layers run.
    """
    known = {(one.layer, one.pair): one.median_ms for one in measurement.layers}
    pairs = frozenset(measurement.pairs)

    def cost(layer: Layer, asked: Sequence[BitPair], batch: int) -> Cost:
        times = [known.get((layer.name, pair), np.nan) for pair in asked]
        return Cost(latency_ms=np.array(times, dtype=np.float64))

    return Hardware(
        name=THIS_MACHINE,
        title=f"This machine ({measurement.processor})",
        provenance=_provenance(measurement),
        leaves_out=_LEAVES_OUT,
        weight_bits=in_order(pair.weight_bits for pair in pairs),
        activation_bits=in_order(pair.activation_bits for pair in pairs),
        batch=measurement.batch,
        cost=cost,
        fixed_batch=True,
        runs_as=lambda pair: pair if pair in pairs else None,
        revision=_revision(measurement),
    )


def _provenance(measurement: LatencyMeasurement) -> str:
    threads, images = measurement.threads, measurement.batch
    disturbed = disturbed_words(measurement)
    return (
        f"Measured on this machine: {measurement.network_name} with {measurement.runtime} on "
        f"{measurement.processor}, {threads} thread{'s' * (threads != 1)} inside an operator, "
        f"{images} image{'s' * (images != 1)} at a time. Each layer is a model of one operator, "
        "timed by itself after a warm-up; figures are medians. Inputs are random, and so are the "
        "thresholds of 8-bit inputs, which change no time. 8/8 bits are 8-bit integer kernels with "
        "one scale per kernel; 4-bit weights with inputs of full precision are linear layers with "
        "one scale per 32 weights. Pairs of bits that ONNX Runtime has no kernel for are left out."
        f"{' ' if disturbed else ''}{disturbed}"
    )


def disturbed_words(measurement: LatencyMeasurement) -> str:
    """A sentence on what else the machine did meanwhile; empty where that was little."""
    busy = measurement.other_cores or 0.0
    if busy >= _BUSY:
        return (
            f"Other programs kept {busy:.1f} cores busy meanwhile: if the machine has few, it is "
            "faster alone, the whole network most of all."
        )
    if measurement.beside_other_jobs:
        return "Other jobs of this program ran meanwhile: it may be faster alone."
    return ""


def _revision(measurement: LatencyMeasurement) -> str:
    text = json.dumps(measurement.to_json(), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
