"""Bit operations against a published table and by hand."""

from __future__ import annotations

import pytest
from hardware_networks import conv, describe

from qcore.hardware.bops import bops
from qcore.sensitivity.config import Width


def resnet18() -> list[tuple[int, int, int, int]]:
    """(input channels, output channels, kernel, output size) of He et al. 2016, table 1."""
    layers = [(3, 64, 7, 112)]
    for before, width, size in ((64, 64, 56), (64, 128, 28), (128, 256, 14), (256, 512, 7)):
        layers += [(before, width, 3, size), *[(width, width, 3, size)] * 3]
        if before != width:
            layers.append((before, width, 1, size))
    return [*layers, (512, 1000, 1, 1)]


def test_published_resnet18() -> None:
    """HAWQ-V3 (Yao et al. 2021), table 1: 1,858 GBOPs at full precision, 116 at 8 bits."""
    network = describe(conv(str(i), *shape) for i, shape in enumerate(resnet18()))
    assert network.macs == 1_814_073_344
    total = bops(network, [Width(32), Width(8, 8)]).sum(axis=0) / 1e9
    assert total.round().tolist() == [1858, 116]


def test_each_layer_at_each_width() -> None:
    network = describe([conv("c", 16, 32, 3, 8), conv("d", 32, 32, 3, 8, groups=32)])
    assert bops(network, [Width(4, 8), Width(2), Width(3, 3)]).tolist() == [
        [9_437_184, 294_912 * 64, 294_912 * 9],
        [18_432 * 32, 18_432 * 64, 18_432 * 9],
    ]


def test_no_widths_is_an_empty_table() -> None:
    network = describe([conv("c", 16, 32, 3, 8)])
    assert bops(network, []).shape == (1, 0)


@pytest.mark.parametrize("bits", [2, 5, 16])
def test_full_precision_inputs_count_32_bits(bits: int) -> None:
    network = describe([conv("c", 16, 32, 3, 8)])
    with_none, with_32 = bops(network, [Width(bits), Width(bits, 32)])[0]
    assert with_none == with_32
