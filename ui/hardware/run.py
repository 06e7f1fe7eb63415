"""A configuration on a machine, kept for the next time that it is looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from qcore.graph.layer import Description
from qcore.hardware import BitPair, Hardware
from qcore.hardware.at_bits import NetworkAtBits, network_at_bits
from qcore.hardware.bound import Bound, by_bound

BASELINE = BitPair(8, 8)
"""What every configuration is compared with, in all layers."""


def run_of(
    network: Description, hardware: Hardware, pairs: Sequence[BitPair], batch: int | None = None
) -> NetworkAtBits:
    """``pairs`` has the bits of each layer, ``batch`` as ``hardware_costs`` (of a machine with one
    batch only, that)."""
    images = hardware.batch if batch is None or hardware.fixed_batch else batch
    known = (network.fingerprint, hardware.name, hardware.revision, images, *pairs)
    return _run("|".join(map(str, known)), network, hardware, tuple(pairs), images)


def counted(run: NetworkAtBits) -> tuple[Bound, ...]:
    """What the machine's latency is made of: parts that no layer spends anything on are not in its
    model. Example: Stripes, whose memory is taken to deliver in time: compute."""
    busy = run.cost.busy
    if busy is None:
        return ()
    each = by_bound(busy).items()
    return tuple(bound for bound, ms in each if (np.nan_to_num(ms) > 0).any())


@st.cache_resource(max_entries=256, show_spinner=False)
def _run(
    key: str, _network: Description, _hardware: Hardware, _pairs: tuple[BitPair, ...], _batch: int
) -> NetworkAtBits:
    return network_at_bits(_network, _hardware, _pairs, _batch)
