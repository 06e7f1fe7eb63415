"""A look at data, against numpy on what the plain module's layers are given."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from small_nets import as_network, random_data, small_residual
from torch import Tensor, nn

from qcore.data.dataset import Dataset, normalise
from qcore.data.preprocess import PRESETS, Preprocessing, from_preset
from qcore.errors import BadInput
from qcore.graph.build import build_network
from qcore.graph.network import Network
from qcore.measure.data_report import DataReport, Trial, warnings_of
from qcore.measure.inspect_data import AS_ASKED, inspect_data

BINS = 2048
SHAPE = (3, 8, 8)


def inputs_of_layers(module: nn.Module, inputs: Any, names: list[str]) -> dict[str, np.ndarray]:
    """What enters each layer, one row an image."""
    seen: dict[str, np.ndarray] = {}

    def hear(name: str) -> Any:
        return lambda part, args: seen.update({name: args[0].detach().flatten(1).double().numpy()})

    hooks = [module.get_submodule(n).register_forward_pre_hook(hear(n)) for n in names]
    with torch.inference_mode():
        module(*inputs) if isinstance(inputs, tuple) else module(inputs)
    for hook in hooks:
        hook.remove()
    return seen


def check_thresholds(report: DataReport, entering: dict[str, np.ndarray]) -> None:
    """Each is above the true percentile by at most one bin of the largest input."""
    assert {la.layer for la in report.layers} == set(entering)
    for layer in report.layers:
        values = np.abs(entering[layer.layer])
        one_bin = values.max() / BINS
        halves = (layer.even_threshold, values[0::2]), (layer.odd_threshold, values[1::2])
        for found, half in halves:
            exact = np.quantile(half, 0.999, method="inverted_cdf")
            assert found is not None
            assert exact - 1e-5 * values.max() <= found <= exact + 1.001 * one_bin


def with_batch(network: Network, batch: int) -> Network:
    """The same, said to take that many images at a time only."""
    return replace(network, description=replace(network.description, batch=batch))


def without_seconds(report: DataReport) -> DataReport:
    return replace(report, seconds=0.0)


def bytes_data(count: int = 37, labels: bool = True) -> Dataset:
    generator = torch.Generator().manual_seed(5)
    images = torch.randint(256, (count, *SHAPE), generator=generator).byte()
    how = Preprocessing(8, (8, 8), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    chosen = torch.randint(5, (count,), generator=generator) if labels else None
    return Dataset("bytes", images, chosen, how, ("a note",))


NAMES = ["stem", "first", "second", "head"]


def test_everything_against_numpy() -> None:
    module, data = small_residual(), bytes_data()
    report = inspect_data(as_network(module), data)
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
    )
    assert report.commonest == np.bincount(choices).max() / 37
    assert report.class_counts == tuple(
        (label, count) for label, count in enumerate(np.bincount(labels)) if count
    )
    assert (report.images, report.classes, report.copies) == (37, 5, 0)
    assert report.notes == ("a note",)
    check_thresholds(report, inputs_of_layers(module, pixels, NAMES))
    assert DataReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_trials_are_the_plain_module_s() -> None:
    module, data = small_residual(), bytes_data()
    found = inspect_data(as_network(module), data).trials
    assert data.labels is not None
    assert [trial.preset for trial in found] == [AS_ASKED, *PRESETS]
    hits = []
    for trial in found:
        how = data.preprocessing if trial.preset == AS_ASKED else from_preset(trial.preset, SHAPE)
        assert how is not None
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


def test_float_data_have_no_trials() -> None:
    module, data = small_residual(), random_data(20)
    report = inspect_data(as_network(module), data)
    assert report.trials == ()
    assert report.best_preset is None
    check_thresholds(report, inputs_of_layers(module, data.images, NAMES))


def test_grey_data_have_no_trials() -> None:
    module = small_residual(channels=1)
    images = bytes_data().images[:, :1]
    data = Dataset("grey", images, None, Preprocessing(8, (8, 8), (0.5,), (0.25,)))
    report = inspect_data(as_network(module, channels=1), data)
    assert report.trials == ()
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
    report = inspect_data(as_network(small_residual()), bytes_data(1))
    assert all(la.odd_threshold is None and la.move is None for la in report.layers)
    assert all(la.even_threshold is not None for la in report.layers)
    assert all(trial.gain_low is None for trial in report.trials)
    assert report.best_preset is None
    warnings_of(report)


def test_unlabelled() -> None:
    report = inspect_data(as_network(small_residual()), bytes_data(labels=False))
    assert report.class_counts == ()
    assert report.chance is None
    assert report.own.accuracy is None
    assert report.own.confidence is not None
    first = report.trials[0]
    for trial in report.trials:
        assert trial.accuracy is None
        assert first.confidence is not None
        assert trial.gain is not None
        assert trial.confidence == pytest.approx(first.confidence + trial.gain)


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
    assert "“Caffe” accuracy is 100.0% instead of 33.3%" in warnings_of(wrong)[0]
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


# Networks of other kinds


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
    network = as_network(small_residual())
    free, fixed = inspect_data(network, data), inspect_data(with_batch(network, 4), data)
    pixels = normalise(data.images, data.preprocessing)  # type: ignore[arg-type]
    if count > 1:
        check_thresholds(fixed, inputs_of_layers(small_residual(), pixels, NAMES))
    assert fixed.own.accuracy == free.own.accuracy
    assert fixed.own.confidence == pytest.approx(free.own.confidence)
    assert (fixed.mean, fixed.std) == (pytest.approx(free.mean), pytest.approx(free.std))
    assert [t.accuracy for t in fixed.trials] == [t.accuracy for t in free.trials]


def test_copies_are_counted_beyond_the_first() -> None:
    data = bytes_data(10)
    data.images[3] = data.images[7] = data.images[1].clone()
    data.images[9] = data.images[4].clone()
    network = as_network(small_residual())
    assert inspect_data(network, data).copies == 3
    data.images[9, 0, 0, 0] ^= 1
    assert inspect_data(network, data).copies == 2


def test_equal_images_with_other_numbers_beside_them_are_no_copies() -> None:
    _, network, data = two_inputs()
    data.images[1:4] = data.images[0].clone()
    data.extras[0][3] = data.extras[0][0].clone()
    assert inspect_data(network, data).copies == 1


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


def test_a_preset_under_which_the_network_overflows_is_not_recommended() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(192, 3))
    module[1].weight.data *= 1e37
    data = Dataset("x", bytes_data().images, None, from_preset("0 to 1", SHAPE))
    report = inspect_data(as_network(module), data)
    overflown = next(trial for trial in report.trials if trial.preset == "0 to 255")
    assert overflown.confidence is not None
    assert overflown.confidence < 0.5
    assert report.best_preset is None
    json.dumps(report.to_json(), allow_nan=False)


def test_the_same_look_gives_the_same_report() -> None:
    network, data = as_network(small_residual()), bytes_data()
    first, second = inspect_data(network, data), inspect_data(network, data)
    assert without_seconds(first) == without_seconds(second)
    assert first.seconds > 0
