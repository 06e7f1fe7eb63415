"""The published tables that ship with the program."""

from __future__ import annotations

import csv
import functools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from qcore.graph.layer import Description, Layer
from qcore.hardware.model import FloatArray
from qcore.hardware.pair import BitPair
from qcore.hardware.validation.networks import conv, describe, linear

_ASSETS = Path(__file__).resolve().parents[3] / "assets" / "hardware"
_HAQ = _ASSETS / "haq" / "mobilenet_v2_cloud_cycles.csv"
_APQ = _ASSETS / "apq" / "bitfusion_latency_energy.csv"

TABLE_BITS = tuple(range(1, 9))
HAQ_PAIRS = tuple(BitPair(w, a) for w in TABLE_BITS for a in TABLE_BITS)


@dataclass(frozen=True, eq=False)
class HaqTable:
    """MobileNetV2 on BISMO in the cloud: ``cycles`` of shape (53 layers, 64 pairs) for 16 images at
    200 MHz, the pairs ``HAQ_PAIRS``."""

    network: Description
    cycles: FloatArray

    @property
    def latency_ms(self) -> FloatArray:
        """(layers, pairs) for 16 images."""
        return self.cycles / 200e3


@functools.cache
def haq_table() -> HaqTable:
    """HAQ's table as ``assets/hardware/haq`` has it. Example: 200,720 cycles of its first layer at
    1/1 bits."""
    cycles = np.zeros((53, len(HAQ_PAIRS)))
    column = {pair: index for index, pair in enumerate(HAQ_PAIRS)}
    layers: dict[int, Layer] = {}
    for row in _rows(_HAQ):
        index = int(row["layer"])
        pair = BitPair(int(row["w_bit"]), int(row["a_bit"]))
        cycles[index, column[pair]] = float(row["cycles_batch16"])
        if index not in layers:
            layers[index] = _haq_layer(row)
    cycles.setflags(write=False)
    return HaqTable(describe(layers.values(), "MobileNetV2"), cycles)


def _haq_layer(row: dict[str, str]) -> Layer:
    cin, cout, kernel, out, groups, stride = (
        int(row[name]) for name in ("cin", "cout", "k", "hout", "groups", "stride")
    )
    if row["name"] == "fc":
        return linear("fc", cin, cout)
    return conv(row["name"], cin, cout, kernel, out, groups, stride)


@dataclass(frozen=True, eq=False)
class ApqLayer:
    """A layer of APQ's table: ``cycles`` at 500 MHz and ``energy_mj`` of one image at each of
    ``pairs``."""

    layer: Layer
    pairs: tuple[BitPair, ...]
    cycles: FloatArray
    energy_mj: FloatArray


@functools.cache
def apq_table() -> tuple[ApqLayer, ...]:
    """The 779 layers and 6,567 entries of ``assets/hardware/apq``: 1x1 convolutions, and depthwise
    ones of 3x3, 5x5 and 7x7, at 4, 6 and 8 bits."""
    entries: dict[tuple[str, ...], list[dict[str, str]]] = {}
    shape = ("cin", "cout", "h_in", "k", "stride", "pad", "groups")
    for row in _rows(_APQ):
        entries.setdefault(tuple(row[name] for name in shape), []).append(row)
    return tuple(
        ApqLayer(
            _apq_layer(*map(int, key)),
            tuple(BitPair(int(row["w_bit"]), int(row["a_bit"])) for row in rows),
            np.array([float(row["cycles_500MHz"]) for row in rows]),
            np.array([float(row["energy_mJ"]) for row in rows]),
        )
        for key, rows in entries.items()
    )


def _apq_layer(
    cin: int, cout: int, size: int, kernel: int, stride: int, pad: int, groups: int
) -> Layer:
    out = (size + 2 * pad - kernel) // stride + 1
    name = f"{cin}-{cout} {kernel}x{kernel} of {size}"
    layer = conv(name, cin, cout, kernel, out, groups)
    return replace(layer, input_shape=(1, cin, size, size))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
