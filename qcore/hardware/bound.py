"""What a layer's time is spent on."""

from __future__ import annotations

from typing import Literal

import numpy as np

from qcore.hardware.model import Busy, FloatArray

Bound = Literal["compute", "weights", "activations"]


def parts_ms(latency_ms: FloatArray, busy: Busy) -> Busy:
    """Milliseconds that add up to ``latency_ms``: multiplying, and waiting for weights and inputs.

    What is not hidden behind multiplying is divided between weights and activations as they take
    their time to move. Example: 10 ms, of which 6 multiply, weights 2 ms and inputs 8 ms on their
    way: 6, 0.8 and 3.2.
    """
    compute = np.minimum(busy.compute_ms, latency_ms)
    moving = busy.weights_ms + busy.activations_ms
    share = np.divide(busy.weights_ms, moving, out=np.zeros_like(moving), where=moving > 0)
    waiting = latency_ms - compute
    return Busy(compute, waiting * share, waiting * (1 - share))


def by_bound(busy: Busy) -> dict[Bound, FloatArray]:
    """The three parts by name. Example: of 6, 2 and 8 ms, "weights" is 2 ms."""
    return {
        "compute": busy.compute_ms,
        "weights": busy.weights_ms,
        "activations": busy.activations_ms,
    }


def bounds(busy: Busy) -> list[Bound]:
    """What takes longest, of arrays with shape (layers,). Example: 6, 2 and 8 ms: activations."""
    parts = by_bound(busy)
    names = tuple(parts)
    return [names[i] for i in np.stack([*parts.values()]).argmax(0)]
