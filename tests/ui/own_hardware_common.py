"""A network of three layers, its sensitivity table and times on this machine, all by hand."""

from __future__ import annotations

from dataclasses import replace

from qcore.data.source import DataSource
from qcore.graph.layer import Description, Layer
from qcore.hardware.pair import BitPair
from qcore.latency.measurement import LatencyMeasurement, LayerLatency, NetworkLatency, NotRun
from qcore.prepare.prepared import Prepared
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

NAMES = ("conv1", "*conv2*", "head")
SHAPES = ((4, 3, 3, 3), (5, 4, 1, 1), (3, 5))
BITS = (2, 3, 4, 8)
FLOAT_MS, INT8_MS = (1.0, 2.0, 0.5), (0.25, 0.5, 0.125)
WHOLE = {(None, None): 3.0, (8, 8): 1.0}


def network() -> Description:
    layers = tuple(
        Layer(name, op, name, None, (name,), shape, 1, shape[0], 100, (1, 3, 8, 8), (1, 4, 8, 8))
        for name, shape, op in zip(NAMES, SHAPES, ("conv2d", "conv2d", "linear"), strict=True)
    )
    return Description("by hand", "f" * 64, 143, (3, 8, 8), ((3,),), layers, {}, 0, 0, 0, None)


def prepared() -> Prepared:
    return Prepared(network(), None, None)


def table() -> SensitivityTable:
    """Weights alone; a layer's ΔL is its place over its bits."""
    rows = tuple(
        SensitivityRow(name, bits, "weight", place / bits, place / bits - 0.01, place / bits, 50)
        for place, name in enumerate(NAMES, start=1)
        for bits in BITS
    )
    config = SensitivityConfig(BITS, "kl", 50)
    source = DataSource("images")
    return SensitivityTable(network(), source, "d" * 64, config, rows, 1.0, 0.1)


def pair_table() -> SensitivityTable:
    """Weights and inputs of the same width."""
    config = SensitivityConfig(BITS, "kl", 50, target="both")
    whole = table()
    rows = tuple(replace(row, target="both", activation_bits=row.bits) for row in whole.rows)
    return replace(whole, config=config, rows=rows)


def measurement(times: float = 1.0) -> LatencyMeasurement:
    """float32 and int8 everywhere, 4-bit weights in the linear layer alone."""
    layers = tuple(
        LayerLatency(pair, ms * times, 0.9 * ms * times, 1.2 * ms * times, 30, name)
        for pair, each in (
            (BitPair(None, None), FLOAT_MS),
            (BitPair(8, 8), INT8_MS),
            (BitPair(4, None), (0.2,)),
        )
        for name, ms in zip(NAMES if len(each) == 3 else NAMES[2:], each, strict=True)
    )
    whole = tuple(
        NetworkLatency(BitPair(*pair), ms * times, 0.95 * ms * times, 1.1 * ms * times, 40)
        for pair, ms in WHOLE.items()
    )
    why = "no kernel for convolutions"
    not_run = tuple(NotRun(name, BitPair(4, None), why) for name in NAMES[:2])
    return LatencyMeasurement(
        "f" * 64,
        "by hand",
        "Some <b>CPU</b>",
        2,
        1,
        "ONNX Runtime 1.2",
        layers,
        whole,
        not_run,
        5.0,
    )


def own_csv(pairs: dict[tuple[int, int], float]) -> str:
    """A table of all layers: milliseconds by weight and input bits, times the layer's place."""
    lines = ["layer,weight_bits,activation_bits,ms"]
    lines += [
        f"{name},{weight},{inputs},{ms * place}"
        for (weight, inputs), ms in pairs.items()
        for place, name in enumerate(NAMES, start=1)
    ]
    return "\n".join(lines)
