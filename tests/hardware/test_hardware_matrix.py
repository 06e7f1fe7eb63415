"""Layers as matrix products, on what torch computes."""

from __future__ import annotations

import math

import pytest
from hardware_networks import conv, linear
from small_nets import as_network
from torch import Tensor, nn

from qcore.graph.layer import Layer
from qcore.hardware.matrix import LayerMatrix, layer_matrix


class EveryKind(nn.Module):
    """From (3, 8, 8); each layer's name says what it is."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Conv2d(3, 12, 3, stride=2, padding=1)
        self.depthwise = nn.Conv2d(12, 12, 3, padding=1, groups=12)
        self.grouped = nn.Conv2d(12, 8, 3, padding=1, groups=4)
        self.transposed = nn.ConvTranspose2d(8, 6, 2, stride=2, groups=2)
        self.volume = nn.Conv3d(6, 4, (1, 3, 3), padding=(0, 1, 1))
        self.line = nn.Conv1d(4, 5, 4, stride=4)
        self.sequence = nn.Linear(5, 7)
        self.twice = nn.Linear(7, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.transposed(self.grouped(self.depthwise(self.dense(x))))
        x = self.volume(x.unsqueeze(2)).flatten(2)
        x = self.sequence(self.line(x).transpose(1, 2))
        out: Tensor = self.twice(self.twice(x)).mean(1)
        return out


@pytest.fixture(scope="module")
def layers() -> dict[str, Layer]:
    return {layer.name: layer for layer in as_network(EveryKind().eval()).description.layers}


def test_products_have_the_multiplications_and_weights_of_the_layer(
    layers: dict[str, Layer],
) -> None:
    assert len(layers) == 8
    for layer in layers.values():
        matrix = layer_matrix(layer)
        weights = matrix.depth * matrix.columns * matrix.groups
        assert weights == layer.weight_count
        assert weights * matrix.rows == layer.macs


@pytest.mark.parametrize(
    ("name", "matrix"),
    [
        ("dense", LayerMatrix(16, 27, 12, 1)),
        ("depthwise", LayerMatrix(16, 9, 1, 12)),
        ("grouped", LayerMatrix(16, 27, 2, 4)),
        ("transposed", LayerMatrix(16, 4, 3 * 4, 2)),
        ("volume", LayerMatrix(64, 6 * 9, 4, 1)),
        ("line", LayerMatrix(16, 4 * 4, 5, 1)),
        ("sequence", LayerMatrix(16, 5, 7, 1)),
        ("twice", LayerMatrix(2 * 16, 7, 7, 1)),
    ],
)
def test_every_kind_by_hand(layers: dict[str, Layer], name: str, matrix: LayerMatrix) -> None:
    assert layer_matrix(layers[name]) == matrix
    assert layer_matrix(layers[name]).depthwise == (name == "depthwise")


def test_rows_are_the_output_positions_of_a_convolution(layers: dict[str, Layer]) -> None:
    for name in ("dense", "depthwise", "grouped", "volume", "line"):
        assert layer_matrix(layers[name]).rows == math.prod(layers[name].output_shape[2:])


def test_a_single_output_channel_is_not_depthwise() -> None:
    assert not layer_matrix(linear("l", 64, 1)).depthwise
    assert not layer_matrix(conv("c", 1, 1, 3, 8)).depthwise
    assert layer_matrix(conv("d", 2, 2, 3, 8, groups=2)).depthwise
