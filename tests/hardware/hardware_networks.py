"""Networks whose costs are published, for tests."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qcore.graph.layer import Description
from qcore.hardware.validation.networks import conv, describe, linear, mobilenet_v1
from qcore.hardware.validation.tables import haq_table

__all__ = ["conv", "describe", "linear", "mobilenet_v1", "mobilenet_v2_table"]


def mobilenet_v2_table() -> tuple[Description, npt.NDArray[np.int64]]:
    """HAQ's latency table: the network, and cycles (layers, weight bits - 1, input bits - 1)."""
    table = haq_table()
    return table.network, table.cycles.reshape(53, 8, 8).astype(np.int64)
