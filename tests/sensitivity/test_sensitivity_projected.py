"""Projected ΔL against closed forms, brute-force gradients and the exact measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from small_nets import as_network, random_data, residual_network
from torch import Tensor, nn

from qcore.calibrate.average import input_means
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.observe import calibrate
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.layer import Layer
from qcore.graph.load import load_network
from qcore.graph.network import Network
from qcore.graph.run import Changes
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.image_chunks import chosen_images
from qcore.sensitivity.kernel_estimates import kernel_estimates
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.projected_rows import rows_from_projections, rows_of_kernels
from qcore.sensitivity.projection.chunk import ChunkProjections
from qcore.sensitivity.projection.directions import draw_directions
from qcore.sensitivity.projection.measure import chunk_generator, project

BITS = (2, 4, 8)


def projected(network: Network, data: Dataset, config: SensitivityConfig) -> ChunkProjections:
    assert config.method == "projected"
    found: list[ChunkProjections] = []
    needed = calibrate(network, data) if config.rounds_inputs else None
    run = measure_projected(
        network, data, config, calibration=needed, on_chunk=lambda _, chunk: found.append(chunk)
    )
    assert run.finished
    whole = found[0]
    for chunk in found[1:]:
        whole = whole.joined(chunk)
    return whole


def one_layer(make: Callable[[], nn.Module], shape: tuple[int, ...]) -> tuple[Network, Dataset]:
    torch.manual_seed(2)
    network = as_network(make(), shape[0], shape[-1])
    images = torch.rand(5, *shape, generator=torch.Generator().manual_seed(4))
    return network, Dataset("made", images, None, None)


def scores(layer: nn.Module) -> nn.Module:
    tail = (nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3))
    return nn.Sequential(nn.Conv2d(4, 4, 1), layer, *tail)


NETWORKS = {
    "dense": lambda: scores(nn.Conv2d(4, 6, 3, stride=2, padding=1)),
    "same": lambda: scores(nn.Conv2d(4, 6, 3, padding="same", dilation=2)),
    "groups": lambda: scores(nn.Conv2d(4, 6, 3, groups=2)),
    "pointwise": lambda: scores(nn.Conv2d(4, 6, 1, stride=2)),
    "depthwise": lambda: scores(nn.Sequential(nn.Conv2d(4, 4, 5, groups=4), nn.Conv2d(4, 6, 1))),
    "transposed": lambda: scores(nn.ConvTranspose2d(4, 6, 3, 2, groups=2, output_padding=1)),
}


@cache
def known(name: str) -> tuple[Network, Dataset]:
    return one_layer(NETWORKS[name], (4, 9, 9))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("corrected", [False, True])
def test_projections_are_directional_derivatives(name: str, corrected: bool) -> None:
    """P of a cell is u'J e: torch's forward mode gives J e along the rounding error."""
    network, data = known(name)
    clipping = Clipping(bias_correction=corrected)
    config = SensitivityConfig(BITS, "kl", 5, method="projected", clipping=clipping, probes=3)
    found = projected(network, data, config)
    assert found.projections.weights is not None
    quantizer = NetworkQuantizer(network, clipping, means=input_means(network, data))
    runner, images = network.runner(), data.images[chosen_images(data, config)]
    draws = draw_directions(runner(images), "kl", 3, chunk_generator(0, 0))
    directions = torch.stack([u for (u,) in draws])
    for place, layer in enumerate(network.description.layers):
        for option, bits in enumerate(BITS):
            weight = network.weight(layer).clone()
            move = quantizer.weight(layer, bits) - weight
            shift = quantizer.shift(layer, bits)
            bias = torch.zeros(layer.kernels)

            def logits(w: Tensor, b: Tensor, layer: Layer = layer) -> Tensor:
                shifts = dict.fromkeys(layer.nodes, b)
                output = runner(images, Changes({layer.weight_key: w}, shifts=shifts))
                assert isinstance(output, Tensor)
                return output

            step = (move, bias if shift is None else shift)
            _, slope = torch.func.jvp(logits, (weight, bias), step)
            expected = (directions * slope).sum(2).detach().numpy()
            actual = found.projections.weights[:, :, place, option]
            largest = np.abs(expected).max()
            assert largest > 0
            np.testing.assert_allclose(actual, expected, rtol=1e-3, atol=1e-3 * largest)


def test_inputs_are_projected_along_their_own_errors() -> None:
    network, data = residual_network(), random_data(6)
    config = SensitivityConfig((3,), "kl", 6, method="projected", target="activation", probes=2)
    found = projected(network, data, config).projections
    assert found.inputs is not None
    quantizer = NetworkQuantizer(network, Clipping(), calibrate(network, data))
    runner, images = network.runner(), data.images[chosen_images(data, config)]
    draws = draw_directions(runner(images), "kl", 2, chunk_generator(0, 0))
    directions = torch.stack([u for (u,) in draws])
    for place, layer in enumerate(network.description.layers):
        rounding = quantizer.entering(layer, 3)

        def logits(t: Tensor, layer: Layer = layer, rounding=rounding) -> Tensor:  # type: ignore[no-untyped-def]
            def entering(x: Tensor) -> Tensor:
                return x + t * (rounding(x.detach()) - x.detach())

            output = runner(images, Changes(entering=dict.fromkeys(layer.nodes, entering)))
            assert isinstance(output, Tensor)
            return output

        _, slope = torch.func.jvp(logits, (torch.zeros(()),), (torch.ones(()),))
        expected = (directions * slope).sum(2).detach().numpy()
        np.testing.assert_allclose(found.inputs[:, :, place, 0], expected, rtol=1e-3, atol=1e-6)


def test_second_order_is_exact_for_the_squared_error_of_a_linear_model() -> None:
    network, data = one_layer(lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 1)), (4, 2, 2))
    config = SensitivityConfig((2, 3), "mse", 5, method="projected", probes=1)
    estimate = rows_from_projections(projected(network, data, config).projections, config)
    exact = SensitivityConfig((2, 3), "mse", 5)
    names = [layer.name for layer in network.description.layers]
    truth = rows_from_pieces(measure_exact(network, data, exact).pieces, names, exact)
    for one, other in zip(estimate, truth, strict=True):
        assert one.delta_loss == pytest.approx(other.delta_loss, rel=1e-5)


def test_kernels_add_up_to_their_layer() -> None:
    """One kernel rounded at a time: the parts of a projection, whose sum is the layer's."""
    network, data = residual_network(), random_data(8)
    config = SensitivityConfig((3,), "kl", 8, method="projected", probes=2)
    whole = projected(network, data, config)
    rows = rows_of_kernels(kernel_estimates(_present(whole.kernels)), config)
    layer = network.description.layer("first")
    single = [row for row in rows if row.layer == "first"]
    assert [row.kernel for row in single] == list(range(layer.kernels))
    quantizer = NetworkQuantizer(network, config.clipping, means=input_means(network, data))
    rounded, stored = quantizer.weight(layer, 3), network.weight(layer)
    means = {n: torch.from_numpy(p) for n, p in input_means(network, data).patches.items()}
    parts = []
    for kernel in range(layer.kernels):
        alone = stored.clone()
        alone[kernel] = rounded[kernel]

        def weight_at(la: Layer, bits: int, alone: Tensor = alone) -> Tensor:
            return alone if la.name == "first" else network.weight(la)

        found: list[ChunkProjections] = []
        chunks = [chosen_images(data, config)]
        project(
            network,
            data,
            chunks,
            (3,),
            "kl",
            weight_at=weight_at,
            means=means,
            on_chunk=lambda _, chunk, found=found: found.append(chunk),  # type: ignore[misc]
        )
        own = _present(found[0].projections.weights)[:, :, 1, 0].astype(np.float64)
        assert single[kernel].raw == pytest.approx(0.5 * np.square(own).mean(), rel=1e-4)
        parts.append(own)
    weights = _present(whole.projections.weights)
    np.testing.assert_allclose(np.sum(parts, 0), weights[:, :, 1, 0], rtol=1e-4, atol=1e-7)


def test_equals_exact_to_5_percent_at_8_bits_on_fashion() -> None:
    network = load_network("sample:fashion-cnn")
    data = load_data(DataSource("sample:fashion-cnn"), network, "calibration")
    config = SensitivityConfig((8,), "kl", 500, method="projected", probes=8)
    estimate = rows_from_projections(projected(network, data, config).projections, config)
    exact = SensitivityConfig((8,), "kl", 500)
    names = [layer.name for layer in network.description.layers]
    truth = rows_from_pieces(measure_exact(network, data, exact).pieces, names, exact)
    ratios = [one.delta_loss / other.delta_loss for one, other in zip(estimate, truth, strict=True)]
    assert np.median(ratios) == pytest.approx(1, abs=0.05)
    total = sum(row.delta_loss for row in estimate) / sum(row.delta_loss for row in truth)
    assert total == pytest.approx(1, abs=0.05)


def test_cross_entropy_has_a_term_of_first_order() -> None:
    """Two classes, one layer, one image: gradient times error plus half its square in F."""
    network, data = one_layer(lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 2)), (4, 1, 1))
    labelled = Dataset("made", data.images, torch.tensor([0, 1, 1, 0, 1]), None)
    plain = Clipping(bias_correction=False)
    config = SensitivityConfig((3,), "cross_entropy", 5, method="projected", clipping=plain)
    found = projected(network, labelled, config).projections
    order = chosen_images(labelled, config)
    images, labels = data.images[order].flatten(1), labelled.labels[order]
    (layer,) = network.description.layers
    weight, bias = network.weight(layer), network.tensors[str(layer.bias_key)]
    move = images @ (NetworkQuantizer(network, plain).weight(layer, 3) - weight).T
    p = (images @ weight.T + bias).softmax(1)
    slope = ((p - nn.functional.one_hot(labels, 2)) * move).sum(1)
    assert found.first_weights is not None
    np.testing.assert_allclose(found.first_weights[:, 0, 0], slope, rtol=1e-4, atol=1e-7)
    value = found.per_sample("weight")[:, 0, 0] - slope.double().numpy()
    curved = (p[:, 0] * p[:, 1] * (move[:, 0] - move[:, 1]).square()).double().numpy()
    assert np.all(value >= -1e-9)
    many = projected(network, labelled, replace(config, probes=4096)).projections
    mean = many.per_sample("weight")[:, 0, 0] - slope.double().numpy()
    np.testing.assert_allclose(mean, 0.5 * curved, rtol=0.1, atol=1e-9)


def test_same_seed_same_table() -> None:
    network, data = residual_network(), random_data(9)
    config = SensitivityConfig(BITS, "kl", 9, method="projected", seed=5)
    one, two = (projected(network, data, config).projections for _ in range(2))
    assert rows_from_projections(one, config) == rows_from_projections(two, config)
    other = replace(config, seed=6)
    three = projected(network, data, other).projections
    assert rows_from_projections(three, other) != rows_from_projections(one, config)


def _present(value: Any) -> Any:
    assert value is not None
    return value
