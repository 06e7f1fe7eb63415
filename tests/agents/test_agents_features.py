"""What agents see of layers, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from small_tasks import (
    conv,
)

from qcore.agents.features import layer_features, normalised
from qcore.graph.layer import Layer


def layer(op: str, shape: tuple[int, ...], sides: tuple[tuple[int, ...], ...], g: int = 1) -> Layer:
    kernels = shape[1] * g if op.startswith("conv_tr") else shape[0]
    return Layer("l", op, "l", None, ("l",), shape, g, kernels, 1, *sides)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (conv(c_in=3, c_out=32, stride=2, size=224), (0, 3, 32, 2, 3, 864, 50176)),
        (conv(c_in=32, c_out=32, size=112, groups=32), (1, 32, 32, 1, 3, 288, 12544)),
        (conv(c_in=8, c_out=16, groups=8), (1, 8, 16, 1, 3, 144, 196)),
        (conv(c_in=8, c_out=16, groups=4), (0, 8, 16, 1, 3, 288, 196)),
        (layer("linear", (10, 64), ((1, 64), (1, 10))), (0, 64, 10, 0, 1, 640, 1)),
        (
            layer("conv_transpose2d", (6, 4, 2, 2), ((1, 6, 7, 7), (1, 4, 14, 14))),
            (0, 6, 4, 2, 2, 96, 49),
        ),
        (layer("conv1d", (5, 3, 7), ((1, 3, 90), (1, 5, 30))), (0, 3, 5, 3, 7, 105, 90)),
    ],
    ids=["stem", "depthwise", "multiplier", "grouped", "linear", "transposed", "1-D"],
)
def test_features_of_known_layers(one: Layer, expected: tuple[float, ...]) -> None:
    assert layer_features([one]).tolist() == [list(expected)]


def test_columns_go_from_0_to_1() -> None:
    found = normalised(np.array([[2.0, 7.0], [4.0, 7.0], [6.0, 7.0]]))
    assert found.tolist() == [[0, 0], [0.5, 0], [1, 0]]
