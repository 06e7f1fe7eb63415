"""The measured evaluator against ``evaluate``, and its fine-tune against other images."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from small_nets import Residual, as_network, random_data, residual_network
from torch import nn

from qcore.agents.evaluator import Score
from qcore.agents.fine_tune import fine_tuned
from qcore.agents.measured import MeasuredEvaluator
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.search import search
from qcore.agents.setting import SearchSetting, search_setting
from qcore.allocate.bits import BitAllocation
from qcore.calibrate.average import input_means
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.observe import calibrate
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.data.source import DataSource
from qcore.errors import BadInput, Stopped
from qcore.graph.network import Network
from qcore.graph.run import Changes
from qcore.measure.evaluate import evaluate, quantized
from qcore.quantize.limits import largest_level
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.image_chunks import chosen_images
from qcore.sensitivity.objectives import Objective
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable

PLAIN = Clipping(bias_correction=False)


def setting_for(
    network: Network,
    data: Dataset,
    objective: Objective = "kl",
    *,
    bits: tuple[int, ...] = (2, 4, 8),
    inputs: tuple[int, ...] = (),
    kernels: bool = False,
    images: int = 20,
    clipping: Clipping = PLAIN,
) -> SearchSetting:
    """A setting whose predicted losses are of no interest here."""
    target = "both" if inputs else "weight"
    config = SensitivityConfig(
        bits, objective, images, target=target, clipping=clipping, activation_bits=inputs
    )
    rows = tuple(
        SensitivityRow(
            layer.name,
            width.bits,
            target,
            2.0**-width.bits,
            None,
            None,
            images,
            activation_bits=width.activation_bits,
        )
        for layer in network.description.layers
        for width in config.widths
    )
    table = SensitivityTable(
        network.description, DataSource(data.name), "d" * 64, config, rows, 1.0, None
    )
    count = sum(layer.kernels for layer in network.description.layers)
    estimates = np.ones((count, len(bits))) if kernels else None
    return search_setting(table, {"average_bits": 4.0}, estimates=estimates)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("kernels", [True, False])
def test_equals_evaluate_on_the_first_images_of_the_table(kernels: bool, labelled: bool) -> None:
    network, data = residual_network(), random_data(30, classes=5 if labelled else None)
    objective: Objective = "cross_entropy" if labelled else "kl"
    setting = setting_for(network, data, objective, kernels=kernels)
    choice = tuple(n % 3 for n in range(len(setting.task.problem.loss)))
    found = MeasuredEvaluator(network, data, setting, images=12).score(choice)
    allocation = BitAllocation(setting.bits(choice), clipping=PLAIN)
    same = data.chosen(chosen_images(data, setting.table.config)[:12])
    expected = evaluate(network, same, allocation, objective)
    assert found.loss == pytest.approx(expected.delta_loss, abs=1e-6)
    if labelled:
        assert expected.accuracy is not None
        assert expected.baseline_accuracy
        assert found.accuracy == pytest.approx(expected.accuracy / expected.baseline_accuracy)
    else:
        assert found.accuracy == expected.agreement


def test_inputs_and_biases_are_those_of_evaluate_too() -> None:
    network, data, others = residual_network(), random_data(20), random_data(30, seed=7)
    setting = setting_for(network, data, inputs=(2, 8), clipping=Clipping())
    assert setting.rounds_inputs
    assert setting.corrects_biases
    needed, means = calibrate(network, others), input_means(network, others)
    evaluator = MeasuredEvaluator(network, data, setting, calibration=needed, means=means)
    choice = (0, 5, 2, 3)
    allocation = BitAllocation(setting.bits(choice), activations=setting.inputs(choice))
    expected = evaluate(network, data, allocation, "kl", calibration=needed, means=means)
    assert evaluator.score(choice).loss == pytest.approx(expected.delta_loss, abs=1e-6)
    with pytest.raises(BadInput, match="--calibration"):
        MeasuredEvaluator(network, data, setting).score(choice)


def test_what_is_no_classifier_is_accurate_by_its_loss() -> None:
    torch.manual_seed(0)
    network = as_network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 1)))
    data = random_data(6, classes=None)
    setting = setting_for(network, data, "mse", images=6)
    found = MeasuredEvaluator(network, data, setting).score((1, 1))
    assert found.loss > 0
    assert found.accuracy == pytest.approx(math.exp(-found.loss))


def test_a_configuration_is_measured_once() -> None:
    network, data = residual_network(), random_data(20)
    setting = setting_for(network, data)
    told: dict[tuple[int, ...], Score] = {}
    known = {(0, 0, 0, 0): Score(9.0, 0.5)}
    evaluator = MeasuredEvaluator(network, data, setting, known=known, on_score=told.__setitem__)
    first = evaluator.score((1, 2, 1, 2))
    assert evaluator.score((1, 2, 1, 2)) == first
    assert evaluator.score((0, 0, 0, 0)) == Score(9.0, 0.5)
    assert evaluator.evaluations == 1
    assert told == {(1, 2, 1, 2): first}
    again = MeasuredEvaluator(network, data, setting, known=told)
    assert again.score((1, 2, 1, 2)) == first
    assert again.evaluations == 0


def test_more_images_than_the_table_s_are_refused() -> None:
    network, data = residual_network(), random_data(30)
    with pytest.raises(BadInput, match="made on 20; give at most so many"):
        MeasuredEvaluator(network, data, setting_for(network, data), images=21)


@pytest.mark.parametrize("steps", [0, 3])
def test_it_stops_within_a_configuration_and_gives_the_threads_back(steps: int) -> None:
    network, data = residual_network(), random_data(20)
    asked = iter([False, True])
    evaluator = MeasuredEvaluator(
        network,
        data,
        setting_for(network, data),
        fine_tune_steps=steps,
        should_stop=lambda: next(asked),
    )
    if not steps:
        evaluator.score((1, 1, 1, 1))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with pytest.raises(Stopped):
            evaluator.score((2, 1, 1, 1))
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    assert evaluator.evaluations == (0 if steps else 1)


def test_a_search_by_measurement_finds_the_least_measured_loss() -> None:
    network, data = residual_network(), random_data(20)
    setting = setting_for(network, data, bits=(3, 6))
    evaluator = MeasuredEvaluator(network, data, setting)
    run = search(setting.task, evaluator, RandomConfig(), episodes=60)
    within = [
        choice
        for choice in itertools.product(range(2), repeat=4)
        if setting.costs(choice)["average_bits"] <= 4.0
    ]
    assert run.allocation is not None
    best = min(within, key=lambda choice: evaluator.score(choice).loss)
    assert run.allocation.choice == best
    assert run.evaluations <= len(within)


# The fine-tune: a small network, trained to tell noisy colours apart.


@cache
def trained() -> tuple[Network, Dataset, Dataset]:
    """Network, 128 calibration images and 400 others of six colours."""
    generator = torch.Generator().manual_seed(0)
    colours = 0.7 * torch.randn(6, 3, 1, 1, generator=generator)

    def drawn(count: int) -> Dataset:
        labels = torch.randint(6, (count,), generator=generator)
        noise = torch.randn(count, 3, 8, 8, generator=generator)
        return Dataset("colours", colours[labels] + noise, labels, None)

    torch.manual_seed(1)
    module, data = Residual(width=6, classes=6), drawn(600)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(8):
        for part in torch.randperm(len(data), generator=generator).split(100):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(module(data.images[part]), data.labels[part])
            loss.backward()
            optimizer.step()
    return as_network(module.eval()), drawn(128), drawn(400)


def loss_of(network: Network, changes: Changes, data: Dataset) -> float:
    with torch.no_grad():
        output = network.runner()(data.images, changes)
    assert isinstance(output, torch.Tensor)
    assert data.labels is not None
    return float(nn.functional.cross_entropy(output, data.labels))


@pytest.mark.parametrize(("labelled", "bits", "inputs"), [(True, 3, None), (False, 2, 4)])
def test_a_short_fine_tune_lowers_the_loss_on_other_images_too(
    labelled: bool, bits: int, inputs: int | None
) -> None:
    network, data, others = trained()
    stored = {key: value.clone() for key, value in network.tensors.items()}
    names = [layer.name for layer in network.description.layers]
    allocation = BitAllocation(
        dict.fromkeys(names, bits), activations=dict.fromkeys(names, inputs), clipping=PLAIN
    )
    quantizer = NetworkQuantizer(network, PLAIN, calibrate(network, data))
    seen = data if labelled else replace(data, labels=None)
    after = fine_tuned(network, quantizer, allocation, seen, torch.arange(128), steps=30)
    before = quantized(network, allocation, quantizer)
    exact = loss_of(network, Changes(), others)
    assert loss_of(network, before, others) > exact + 0.01
    for images in (data, others):
        assert loss_of(network, after, images) < loss_of(network, before, images)
    assert all(torch.equal(network.tensors[key], value) for key, value in stored.items())
    for layer in network.description.layers:  # levels are what they were
        levels = after.tensors[layer.weight_key].flatten(1) / quantizer.scale(layer, bits)
        torch.testing.assert_close(levels, levels.round(), atol=1e-4, rtol=0)
        assert levels.abs().max() <= largest_level(bits) + 1e-4


def test_without_steps_it_is_the_quantized_network() -> None:
    network, data, _ = trained()
    first, *rest = network.description.layers
    kernels = tuple((0, 2, 4, 8)[k % 4] for k in range(first.kernels))
    bits = {first.name: kernels} | {layer.name: 3 for layer in rest}
    allocation = BitAllocation(bits, activations=dict.fromkeys(bits, 4))
    needed = calibrate(network, data)
    quantizer = NetworkQuantizer(network, Clipping(), needed, input_means(network, data))
    found = fine_tuned(network, quantizer, allocation, data, torch.arange(8), steps=0)
    expected = quantized(network, allocation, quantizer)
    with torch.no_grad():
        one, two = (network.runner()(data.images, each) for each in (found, expected))
    torch.testing.assert_close(one, two)


def test_the_same_seed_trains_the_same_and_in_any_order() -> None:
    network, data, _ = trained()
    setting = setting_for(network, data, "cross_entropy", images=100)

    def scores(seed: int, *choices: tuple[int, ...]) -> dict[tuple[int, ...], Score]:
        evaluator = MeasuredEvaluator(network, data, setting, fine_tune_steps=4, seed=seed)
        return {choice: evaluator.score(choice) for choice in choices}

    one, two = (0, 1, 0, 1), (1, 0, 1, 0)
    assert scores(0, one, two) == scores(0, two, one)
    assert scores(0, one) != scores(1, one)
    plain = MeasuredEvaluator(network, data, setting)
    assert all(found.loss < plain.score(choice).loss for choice, found in scores(0, one).items())


def test_training_that_runs_away_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qcore.agents.fine_tune._RATE", 1e30)
    network, data, _ = trained()
    setting = setting_for(network, data, "cross_entropy", images=100)
    choice = (1, 1, 1, 1)
    found = MeasuredEvaluator(network, data, setting, fine_tune_steps=5).score(choice)
    plain = MeasuredEvaluator(network, data, setting).score(choice)
    assert found.loss == pytest.approx(plain.loss, abs=1e-5)
