"""Networks whose costs are published, as descriptions without weights."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcore.graph.layer import Description, Layer

TABLE = Path(__file__).parents[2] / "assets" / "hardware" / "haq" / "mobilenet_v2_cloud_cycles.csv"


def conv(name: str, cin: int, cout: int, kernel: int, out: int, groups: int = 1) -> Layer:
    """A square convolution with an output of out x out; its input is as large (stride 1)."""
    shape = (cout, cin // groups, kernel, kernel)
    macs = cout * (cin // groups) * kernel**2 * out**2
    sizes = (1, cin, out, out), (1, cout, out, out)
    return Layer(name, "conv2d", name, None, (name,), shape, groups, cout, macs, *sizes)


def linear(name: str, cin: int, cout: int, positions: int = 1) -> Layer:
    macs = cin * cout * positions
    sizes = (1, positions, cin), (1, positions, cout)
    return Layer(name, "linear", name, None, (name,), (cout, cin), 1, cout, macs, *sizes)


def describe(layers: Iterable[Layer]) -> Description:
    return Description(
        name="by hand",
        fingerprint="0",
        parameters=0,
        input_shape=(3, 224, 224),
        output_shapes=((1000,),),
        layers=tuple(layers),
        not_quantized={},
        macs_not_quantized=0,
        other_count=0,
        folded_batch_norms=0,
        weights_note=None,
    )


def mobilenet_v1() -> Description:
    """Howard et al. 2017, table 1: width 1, 224x224."""
    outputs = [(64, 112), (128, 56), (128, 56), (256, 28), (256, 28)]
    outputs += [(512, 14)] * 6 + [(1024, 7)] * 2
    layers, channels = [conv("stem", 3, 32, 3, 112)], 32
    for number, (width, size) in enumerate(outputs):
        layers.append(conv(f"{number}.dw", channels, channels, 3, size, channels))
        layers.append(conv(f"{number}.pw", channels, width, 1, size))
        channels = width
    return describe([*layers, linear("head", 1024, 1000)])


def mobilenet_v2_table() -> tuple[Description, npt.NDArray[np.int64]]:
    """HAQ's latency table: the network, and cycles (layers, weight bits - 1, input bits - 1)."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cycles = np.zeros((53, 8, 8), dtype=np.int64)
    layers: dict[int, Layer] = {}
    for row in rows:
        index, weight, activation = (int(row[name]) for name in ("layer", "w_bit", "a_bit"))
        cycles[index, weight - 1, activation - 1] = int(row["cycles_batch16"])
        cin, cout, kernel, out, groups = (
            int(row[name]) for name in ("cin", "cout", "k", "hout", "groups")
        )
        last = row["name"] == "fc"
        layers[index] = (
            linear("fc", cin, cout) if last else conv(row["name"], cin, cout, kernel, out, groups)
        )
    return describe(layers.values()), cycles
