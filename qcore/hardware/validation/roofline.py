"""How rough a roofline is: that of BISMO in the cloud against HAQ's table."""

from __future__ import annotations

import numpy as np

from qcore.hardware.bismo import BISMO_CLOUD
from qcore.hardware.model import FloatArray, Hardware
from qcore.hardware.roofline import Peak, Roofline, roofline_hardware
from qcore.hardware.validation.bismo import CLOUD_V2_MS, UNIFORM
from qcore.hardware.validation.figures import Published, Validation, errors_of
from qcore.hardware.validation.tables import HAQ_PAIRS, HaqTable, haq_table


def roofline() -> Validation:
    table, machine = haq_table(), bismo_as_roofline()
    found = _latency_ms(table, machine)
    depthwise = np.array([layer.groups > 1 for layer in table.network.layers])
    kinds = {"all layers": np.ones_like(depthwise), "depthwise": depthwise, "others": ~depthwise}
    return Validation(
        "roofline",
        _totals(found),
        tuple(
            errors_of(f"MobileNetV2 at 1 to 8 bits, {kind}", table.latency_ms[rows], found[rows])
            for kind, rows in kinds.items()
        ),
        "Of the machine chosen here no latency at these bits is published, so what is checked is "
        "another roofline: with the peak and bandwidth of BISMO in the cloud, beside the latencies "
        "of that chip. It comes out low by a factor of about seven: layers do not fill the array, "
        "depthwise ones least, and a roofline, which has peak and bandwidth alone, knows nothing "
        "of that. How much more 8 bits take than 4 it gets about right, and that is what decides "
        "on bits. Any roofline may be as far off.",
        "the latency table in HAQ's repository (BISMO cloud, 53 layers at 1 to 8 bits), and HAQ "
        "(Wang et al. 2019), table 3",
    )


def _totals(found: FloatArray) -> tuple[Published, ...]:
    """HAQ's totals, which leave out the first and the last layer; the last is their ratio."""
    counted = found[1:-1].sum(axis=0)
    modelled = [float(counted[HAQ_PAIRS.index(pair)]) for pair in UNIFORM]
    totals = tuple(
        Published(f"MobileNetV2 at {pair} bits", told, ms, "ms")
        for pair, told, ms in zip(UNIFORM, CLOUD_V2_MS, modelled, strict=True)
    )
    what = f"MobileNetV2, {UNIFORM[-1]} bits against {UNIFORM[0]}"
    told, ratio = CLOUD_V2_MS[-1] / CLOUD_V2_MS[0], modelled[-1] / modelled[0]
    return (*totals, Published(what, told, ratio, "times"))


def bismo_as_roofline() -> Hardware:
    """BISMO in the cloud, by its peak at each pair of bits and the bandwidth of its two ports."""
    roof = BISMO_CLOUD.roof
    assert roof is not None
    roofs = {pair: roof(pair) for pair in HAQ_PAIRS}
    peaks = tuple(
        Peak(pair.weight_bits, pair.activation_bits, one.peak_ops_per_s / 1e9)
        for pair, one in roofs.items()
    )
    bandwidth = next(iter(roofs.values())).bytes_per_s / 1e9
    shape = Roofline(
        title="BISMO cloud as a roofline",
        source="Umuroglu et al. 2018",
        peaks=peaks,
        gigabytes_per_s=bandwidth,
        batch=BISMO_CLOUD.batch,
    )
    return roofline_hardware("roofline:bismo-cloud", shape)


def _latency_ms(table: HaqTable, machine: Hardware) -> FloatArray:
    """(layers, pairs)."""
    rows = [machine.cost(layer, HAQ_PAIRS, machine.batch) for layer in table.network.layers]
    return np.array([cost.latency_ms for cost in rows], dtype=np.float64)
