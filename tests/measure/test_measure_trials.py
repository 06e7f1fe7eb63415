"""A network is tried with every preset, and told which one it was made for."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from inspect_common import SHAPE, bytes_data
from scipy.stats import entropy
from small_nets import as_network, residual_network, small_residual
from torch import Tensor, nn

from qcore.data.dataset import Dataset, normalise
from qcore.data.preprocess import PRESETS, from_preset
from qcore.measure.data_warnings import warnings_of
from qcore.measure.inspect_data import inspect_data
from qcore.measure.trials import AS_ASKED, OWN_MEAN


def test_trials_are_the_plain_module_s() -> None:
    module, data = small_residual(), bytes_data()
    found = inspect_data(residual_network(), data).trials
    assert data.labels is not None
    assert [trial.preset for trial in found] == [AS_ASKED, *PRESETS, OWN_MEAN]
    hits = []
    for trial in found:
        how = trial.preprocessing
        assert how is not None
        if trial.preset in PRESETS:
            preset = from_preset(trial.preset, SHAPE)
            assert (how.mean, how.channel_order) == (preset.mean, preset.channel_order)
        with torch.inference_mode():
            logits = module(normalise(data.images, how))
        hits.append((logits.argmax(1) == data.labels).double().numpy())
        gain = hits[-1] - hits[0]
        spread = gain.std(ddof=1) / np.sqrt(37)
        assert trial.images == 37
        assert trial.accuracy == pytest.approx(hits[-1].mean())
        assert trial.confidence == pytest.approx(float(logits.softmax(1).amax(1).mean()), rel=1e-5)
        assert trial.gain == pytest.approx(gain.mean())
        assert trial.gain_low == pytest.approx(gain.mean() - 2.0280940 * spread)  # t(0.975, 36)


def test_unlabelled() -> None:
    report = inspect_data(residual_network(), bytes_data(labels=False))
    assert report.class_counts == ()
    assert report.chance is None
    assert report.own.accuracy is None
    assert report.own.confidence is not None
    first = report.trials[0]
    for trial in report.trials:
        assert trial.accuracy is None
        assert first.information is not None
        assert trial.gain is not None
        assert trial.information == pytest.approx(first.information + trial.gain)


def test_information_is_what_the_entropies_leave() -> None:
    """H(mean of p) - mean of H(p), with scipy's entropy."""
    module, data = small_residual(), bytes_data(labels=False)
    trial = inspect_data(residual_network(), data).trials[0]
    assert data.preprocessing is not None
    with torch.inference_mode():
        chances = module(normalise(data.images, data.preprocessing)).softmax(1).double().numpy()
    expected = entropy(chances.mean(0)) - entropy(chances, axis=1).mean()
    assert trial.information == pytest.approx(expected, abs=1e-6)


def test_the_images_own_mean_and_spread_are_tried() -> None:
    data = bytes_data()
    trial = inspect_data(residual_network(), data).trials[-1]
    assert trial.preprocessing is not None
    pixels = data.images.numpy() / 255
    assert trial.preprocessing.mean == pytest.approx(pixels.mean((0, 2, 3)))
    assert trial.preprocessing.std == pytest.approx(pixels.std((0, 2, 3)), rel=1e-3)


def test_a_network_that_is_sure_of_one_thing_is_not_followed() -> None:
    """With larger inputs it names class 0 with certainty, whatever the image."""
    module = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))
    module[2].weight.data = torch.tensor([[9.0, 9.0, 9.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    report = inspect_data(as_network(module), colours("-1 to 1", labels=False))
    sure = next(trial for trial in report.trials if trial.preset == "0 to 255")
    assert sure.confidence == pytest.approx(1)
    assert sure.information == pytest.approx(0, abs=1e-6)
    assert report.best_preset is None or report.best_preset.preset != "0 to 255"


# A network that tells which colour an image has, if it gets it as it was made for.


class Colour(nn.Module):
    """Class 0, 1, 2: red, green, blue. ``order`` is how it expects the channels; below ``least``
    it sees nothing."""

    def __init__(self, order: str = "RGB", least: float | None = None) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(3, 3, 1), nn.Linear(3, 3, bias=False)
        permutation = torch.tensor([order.index(colour) for colour in "RGB"])
        self.conv.weight.data = torch.eye(3)[permutation].reshape(3, 3, 1, 1)
        self.conv.bias.data.fill_(0.0 if least is None else -least)
        self.head.weight.data, self.least = torch.eye(3), least

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        out: Tensor = self.head((y if self.least is None else y.relu()).mean((2, 3)))
        return out


def colours(preset: str, labels: bool = True, count: int = 48) -> Dataset:
    """Images in which one channel is at 200 and the others are at 30."""
    classes = torch.arange(count) % 3
    noise = torch.randint(10, (count, *SHAPE), generator=torch.Generator().manual_seed(1))
    images = 30 + 170 * torch.eye(3, dtype=torch.int64)[classes].reshape(-1, 3, 1, 1) + noise
    how = from_preset(preset, SHAPE)
    return Dataset("colours", images.byte(), classes if labels else None, how)


def test_a_network_made_for_blue_first() -> None:
    network = as_network(Colour("BGR"))
    wrong = inspect_data(network, colours("ImageNet"))
    assert wrong.own.accuracy == pytest.approx(1 / 3)  # only green stays where it is
    assert wrong.best_preset is not None
    assert (wrong.best_preset.preset, wrong.best_preset.accuracy) == ("Caffe", 1.0)
    assert "“Caffe” accuracy is 100.0 % instead of 33.3 %" in warnings_of(wrong)[0]
    right = inspect_data(network, colours("Caffe"))
    assert right.own.accuracy == 1
    assert right.best_preset is None


@pytest.mark.parametrize("labels", [True, False], ids=["labelled", "unlabelled"])
def test_a_network_made_for_0_to_255(labels: bool) -> None:
    network = as_network(Colour(least=100))
    wrong = inspect_data(network, colours("0 to 1", labels))
    assert wrong.best_preset is not None
    assert wrong.best_preset.preset == "0 to 255"
    assert wrong.own.confidence == pytest.approx(1 / 3)  # it saw nothing
    assert wrong.commonest == 1
    right = inspect_data(network, colours("0 to 255", labels))
    assert right.best_preset is None
    assert right.own.confidence == pytest.approx(1)
    assert right.own.accuracy == (1 if labels else None)


def test_no_preset_is_recommended_where_the_order_is_right() -> None:
    for preset in ("ImageNet", "-1 to 1", "EfficientNet-Lite", "0 to 1", "0 to 255"):
        report = inspect_data(as_network(Colour()), colours(preset))
        assert report.own.accuracy == 1
        assert report.best_preset is None


def test_a_preset_under_which_the_network_overflows_is_not_recommended() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    module[1].weight.data *= 1e37
    data = Dataset("x", bytes_data().images, None, from_preset("0 to 1", SHAPE))
    report = inspect_data(as_network(module), data)
    overflown = next(trial for trial in report.trials if trial.preset == "0 to 255")
    assert overflown.confidence is not None
    assert overflown.confidence < 0.5
    assert report.best_preset is None or report.best_preset.preset != "0 to 255"
    json.dumps(report.to_json(), allow_nan=False)
