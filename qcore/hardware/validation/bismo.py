"""BISMO against what HAQ publishes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qcore.graph.layer import Description
from qcore.hardware.bismo import BISMO_CLOUD, BISMO_EDGE, CLOUD, layer_cycles
from qcore.hardware.model import Hardware
from qcore.hardware.network_costs import hardware_costs
from qcore.hardware.pair import BitPair
from qcore.hardware.validation.figures import Errors, Published, Validation, errors_of
from qcore.hardware.validation.networks import mobilenet_v1
from qcore.hardware.validation.tables import HAQ_PAIRS, haq_table

UNIFORM = tuple(BitPair(bits, bits) for bits in (4, 5, 6, 8))
CLOUD_V1_MS = (57.49, 77.52, 99.86, 151.09)
CLOUD_V2_MS = (74.46, 99.43, 127.07, 189.82)
EDGE_V1_MS = (45.45, 57.75, 70.67, 96.20)
EDGE_V2_MS = (52.15, 66.94, 82.49, 115.84)

_TABLE_3 = "HAQ (Wang et al. 2019), table 3"


def cloud() -> Validation:
    return Validation(
        "bismo-cloud",
        _both(BISMO_CLOUD, CLOUD_V1_MS, CLOUD_V2_MS),
        (_table_errors(),),
        "The model was derived from the table, so that all its entries come out right is no proof "
        "of it on other layers. The totals of MobileNet V1 are one: nothing of that network was "
        "used, and no table of it is published.",
        f"{_TABLE_3}, at 4, 5, 6 and 8 bits for a batch of 16; the latency table of its "
        "repository (MobileNetV2, 53 layers at 1 to 8 bits)",
    )


def edge() -> Validation:
    return Validation(
        "bismo-edge",
        _both(BISMO_EDGE, EDGE_V1_MS, EDGE_V2_MS),
        (),
        "No cycles of single layers are published for this chip. How depthwise layers are mapped "
        "was chosen to fit these eight totals, so they prove little. MobileNet V1 at 4 to 6 bits "
        "comes out low by an amount that hardly changes with the bits; its first convolution at "
        "8/8 bits would take nearly as long.",
        f"{_TABLE_3}, at 4, 5, 6 and 8 bits for one image",
    )


def totals_ms(
    network: Description, hardware: Hardware, pairs: Sequence[BitPair]
) -> tuple[float, ...]:
    """Latency of a network at each pair, all layers alike."""
    latency = hardware_costs(network, hardware, pairs).cost.latency_ms
    assert latency is not None
    return tuple(latency.sum(axis=0).tolist())


def _both(
    hardware: Hardware, first: Sequence[float], second: Sequence[float]
) -> tuple[Published, ...]:
    """MobileNet V1 and V2 at ``UNIFORM`` bits."""
    return tuple(
        Published(f"{network.name} at {pair} bits", told, found, "ms")
        for network, published in ((mobilenet_v1(), first), (haq_table().network, second))
        for pair, told, found in zip(
            UNIFORM, published, totals_ms(network, hardware, UNIFORM), strict=True
        )
    )


def _table_errors() -> Errors:
    table = haq_table()
    cycles = [layer_cycles(CLOUD, layer, HAQ_PAIRS, 16).total for layer in table.network.layers]
    found = np.array(cycles, dtype=np.float64)
    return errors_of("layers of MobileNetV2 at 1 to 8 bits", table.cycles, found)
