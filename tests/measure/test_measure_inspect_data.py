"""A look at data, against numpy on what the plain module's layers are given."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from inspect_common import NAMES, SHAPE, bytes_data, check_thresholds, inputs_of_layers
from scipy.stats import entropy
from small_nets import as_network, random_data, residual_network, small_residual
from torch import nn

from qcore.data.dataset import Dataset, normalise
from qcore.data.preprocess import PRESETS, Preprocessing
from qcore.errors import BadInput
from qcore.measure.data_report import DataReport, Trial
from qcore.measure.data_warnings import warnings_of
from qcore.measure.inspect_data import inspect_data
from qcore.measure.trials import AS_ASKED, OWN_MEAN


def without_seconds(report: DataReport) -> DataReport:
    return replace(report, seconds=0.0)


def test_everything_against_numpy() -> None:
    module, data = small_residual(), bytes_data()
    report = inspect_data(residual_network(), data)
    pixels = normalise(data.images, data.preprocessing)  # type: ignore[arg-type]
    with torch.inference_mode():
        logits = module(pixels).double().numpy()
    values = pixels.double().numpy()
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    choices, labels = logits.argmax(1), data.labels.numpy()  # type: ignore[union-attr]

    assert report.mean == pytest.approx(values.mean((0, 2, 3)), abs=1e-6)
    assert report.std == pytest.approx(values.std((0, 2, 3)), rel=1e-6)
    assert (report.low, report.high) == (values.min(), values.max())
    assert report.own == Trial(
        AS_ASKED,
        37,
        pytest.approx((choices == labels).mean()),
        pytest.approx(probability.max(1).mean(), rel=1e-5),
        pytest.approx(entropy(probability.mean(0)) - entropy(probability, axis=1).mean(), abs=1e-6),
    )
    assert report.commonest == np.bincount(choices).max() / 37
    assert report.class_counts == tuple(
        (label, count) for label, count in enumerate(np.bincount(labels)) if count
    )
    assert (report.images, report.classes, report.copies) == (37, 5, 0)
    assert report.notes == ("a note",)
    check_thresholds(report, inputs_of_layers(module, pixels, NAMES))
    assert DataReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_float_data_have_no_trials() -> None:
    module, data = small_residual(), random_data(20)
    report = inspect_data(residual_network(), data)
    assert report.trials == ()
    assert report.best_preset is None
    check_thresholds(report, inputs_of_layers(module, data.images, NAMES))


def test_grey_data_are_tried_too() -> None:
    module = small_residual(channels=1)
    images = bytes_data().images[:, :1]
    data = Dataset("grey", images, None, Preprocessing(8, (8, 8), (0.5,), (0.25,)))
    report = inspect_data(as_network(module, channels=1), data)
    assert [trial.preset for trial in report.trials] == [AS_ASKED, *PRESETS, OWN_MEAN]
    how = report.trials[-1].preprocessing
    assert how is not None
    assert how.mean == pytest.approx((images.numpy().mean() / 255,))
    assert len(report.mean) == len(report.std) == 1


@pytest.mark.parametrize(("count", "own", "tried"), [(512, 512, 64), (513, 257, 52), (65, 65, 33)])
def test_no_more_images_than_needed(count: int, own: int, tried: int) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (count, *SHAPE), generator=generator).byte()
    data = Dataset("many", images, None, bytes_data().preprocessing)
    messages: list[float] = []
    network = as_network(nn.Sequential(nn.Flatten(), nn.Linear(192, 3)))
    report = inspect_data(network, data, on_progress=lambda part, text: messages.append(part))
    assert (report.images, report.own.images, report.trials[0].images) == (count, own, tried)
    assert messages == sorted(messages)
    assert 0 <= messages[0] <= messages[-1] <= 1


def test_one_image() -> None:
    report = inspect_data(residual_network(), bytes_data(1))
    assert all(la.odd_threshold is None and la.move is None for la in report.layers)
    assert all(la.even_threshold is not None for la in report.layers)
    assert all(trial.gain_low is None for trial in report.trials)
    assert report.best_preset is None
    warnings_of(report)


def test_copies_are_counted_beyond_the_first() -> None:
    data = bytes_data(10)
    data.images[3] = data.images[7] = data.images[1].clone()
    data.images[9] = data.images[4].clone()
    network = residual_network()
    assert inspect_data(network, data).copies == 3
    data.images[9, 0, 0, 0] ^= 1
    assert inspect_data(network, data).copies == 2


def test_a_layer_that_sees_only_zeros() -> None:
    """Its threshold is zero in both halves: nothing that moves, nothing to warn of."""
    module = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 3))
    module[0].weight.data.zero_()
    module[0].bias.data.fill_(-1.0)  # type: ignore[union-attr]
    report = inspect_data(as_network(module), bytes_data())
    blind = report.layers[1]
    assert (blind.even_threshold, blind.odd_threshold, blind.move) == (0, 0, 0)


@pytest.mark.parametrize("layer", [1, 2], ids=["inside", "at the end"])
def test_values_that_overflow_are_refused(layer: int) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.Linear(8, 3))
    module[layer].weight.data *= 1e38
    data = random_data(4, classes=None)
    data.images.mul_(1e3)
    with pytest.raises(BadInput, match="check their normalisation"):
        inspect_data(as_network(module), data)


def test_the_same_look_gives_the_same_report() -> None:
    network, data = residual_network(), bytes_data()
    first, second = inspect_data(network, data), inspect_data(network, data)
    assert without_seconds(first) == without_seconds(second)
    assert first.seconds > 0
