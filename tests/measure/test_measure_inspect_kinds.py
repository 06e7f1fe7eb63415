"""A look at data through networks that are no plain classifier of one image."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from inspect_common import NAMES, SHAPE, bytes_data, check_thresholds, inputs_of_layers
from small_nets import as_network, residual_network, small_residual
from torch import Tensor, nn

from qcore.data.dataset import Dataset, normalise
from qcore.graph.build import build_network
from qcore.graph.network import Network
from qcore.measure.data_report import Trial
from qcore.measure.data_warnings import warnings_of
from qcore.measure.inspect_data import inspect_data
from qcore.measure.trials import AS_ASKED


class Map(nn.Module):
    """No classifier: one value for each pixel."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x)
        return out


def test_not_a_classifier() -> None:
    module, data = Map(), bytes_data(labels=False)
    report = inspect_data(as_network(module), data)
    assert report.classes is None
    assert report.own == Trial(AS_ASKED, 0, None, None)
    assert (report.commonest, report.trials) == (None, ())
    pixels = normalise(data.images, data.preprocessing)  # type: ignore[arg-type]
    check_thresholds(report, inputs_of_layers(module, pixels, ["conv"]))
    warnings_of(report)


class Two(nn.Module):
    """Reads images and four numbers beside them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.side, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        out: Tensor = self.head(self.conv(x).relu().mean((2, 3)) + self.side(y))
        return out


def two_inputs() -> tuple[Two, Network, Dataset]:
    module = Two()
    data = bytes_data(labels=False)
    generator = torch.Generator().manual_seed(0)
    data = replace(data, extras=(torch.randn(len(data), 4, generator=generator),))
    return module, build_network(module, "two", (SHAPE, (4,)), data.preprocessing), data


def test_two_inputs() -> None:
    module, network, data = two_inputs()
    report = inspect_data(network, data)
    pixels = normalise(data.images, data.preprocessing)  # type: ignore[arg-type]
    with torch.inference_mode():
        sure = module(pixels, data.extras[0]).softmax(1).amax(1)
    assert report.own.confidence == pytest.approx(float(sure.mean()), rel=1e-5)
    assert report.trials[0].confidence == pytest.approx(report.own.confidence)
    assert report.mean == pytest.approx(pixels.mean((0, 2, 3)).tolist(), abs=1e-5)
    entering = inputs_of_layers(module, (pixels, data.extras[0]), ["conv", "side", "head"])
    check_thresholds(report, entering)


def test_values_that_are_no_pixels_are_taken_together() -> None:
    """The first features of a vector say nothing of the others."""
    features = torch.randn(40, 20, generator=torch.Generator().manual_seed(0))
    features[:, :3] = 0
    network = build_network(nn.Linear(20, 4), "vector", ((20,),))
    report = inspect_data(network, Dataset("vectors", features, None, None))
    assert report.mean == (pytest.approx(float(features.mean()), abs=1e-6),)
    assert report.std == (pytest.approx(float(features.std(correction=0)), rel=1e-5),)


@pytest.mark.parametrize("count", [10, 8, 3, 1])
def test_padding_of_a_fixed_batch_does_not_count(count: int) -> None:
    data = bytes_data(count)
    data.images[:-1] = 100 + data.images[:-1] // 10  # copies of the last would move a percentile
    network = residual_network()
    free, fixed = inspect_data(network, data), inspect_data(with_batch(network, 4), data)
    pixels = normalise(data.images, data.preprocessing)  # type: ignore[arg-type]
    if count > 1:
        check_thresholds(fixed, inputs_of_layers(small_residual(), pixels, NAMES))
    assert fixed.own.accuracy == free.own.accuracy
    assert fixed.own.confidence == pytest.approx(free.own.confidence)
    assert (fixed.mean, fixed.std) == (pytest.approx(free.mean), pytest.approx(free.std))
    assert [t.accuracy for t in fixed.trials] == [t.accuracy for t in free.trials]


def test_equal_images_with_other_numbers_beside_them_are_no_copies() -> None:
    _, network, data = two_inputs()
    data.images[1:4] = data.images[0].clone()
    data.extras[0][3] = data.extras[0][0].clone()
    assert inspect_data(network, data).copies == 1


def with_batch(network: Network, batch: int) -> Network:
    """The same, said to take that many images at a time only."""
    return replace(network, description=replace(network.description, batch=batch))


def test_images_on_both_sides_and_classes_that_only_one_has() -> None:
    network = residual_network()
    data = bytes_data(12)
    assert data.labels is not None
    others = torch.cat([data.images[3:6], bytes_data(40).images[30:]])
    labels = torch.cat([data.labels[3:6], torch.full((10,), 4)])
    first = replace(data, labels=data.labels.clamp(max=3))
    held_out = replace(data, images=others, labels=labels)
    report = inspect_data(network, first, held_out)
    assert (report.shared, report.unmet_classes) == (3, 1)
    report = inspect_data(network, first, replace(held_out, labels=None))
    assert report.unmet_classes == 0
