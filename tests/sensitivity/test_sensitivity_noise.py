"""Noise of layer outputs against plain numpy, in float64, on the inputs that layers really get."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from small_nets import as_network, random_data, residual_network, small_residual
from torch import Tensor, nn
from torch.nn import functional

from qcore.calibrate.average import input_means
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.observe import calibrate
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph import chunks
from qcore.graph.network import Network
from qcore.sensitivity.config import Quantized, SensitivityConfig
from qcore.sensitivity.noise import measure_noise
from qcore.sensitivity.noise_images import ImageSums, squares_per_image, values_per_image
from qcore.sensitivity.row import SensitivityRow

PLAIN = Clipping(bias_correction=False)
Rows = dict[tuple[str, int], SensitivityRow]


def config_of(bits: tuple[int, ...], images: int, target: Quantized = "weight", **more: object):
    return SensitivityConfig(bits, "kl", images, method="noise", target=target, **more)


def by_cell(rows: tuple[SensitivityRow, ...]) -> Rows:
    return {(row.layer, row.bits): row for row in rows}


def folded_layers(data: Dataset) -> dict[str, tuple[Tensor, nn.Module]]:
    """What enters each layer of the small network, and the layer with its batch norm folded."""
    module, inputs = small_residual(), {}
    for conv, norm in (("stem", "norm"), ("second", "norm2")):
        parts = module.get_submodule(conv), module.get_submodule(norm)
        setattr(module, conv, torch.nn.utils.fuse_conv_bn_eval(*parts))
        setattr(module, norm, nn.Identity())
    for name in ("stem", "first", "second", "head"):
        module.get_submodule(name).register_forward_hook(
            lambda _, args, __, name=name: inputs.update({name: args[0].clone()})
        )
    with torch.no_grad():
        module(data.images)
    return {name: (x.double(), module.get_submodule(name)) for name, x in inputs.items()}


@pytest.mark.parametrize("target", ["weight", "activation", "both"])
def test_equals_plain_numpy(target: Quantized, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_IMAGES", 7)  # 20 images: chunks of 7, 7 and 6
    network, data, bits = residual_network(), random_data(20), (3, 6)
    config, calibration = config_of(bits, 20, target), calibrate(network, data)
    rows = measure_noise(network, data, config, calibration=calibration)
    means = input_means(network, data)
    quantizer = NetworkQuantizer(network, config.clipping, calibration, means)
    assert [(r.layer, r.bits) for r in rows] == [
        (la.name, b) for la in network.description.layers for b in bits
    ]
    found = by_cell(rows)
    for name, (x, part) in folded_layers(data).items():
        layer = network.description.layer(name)
        apply = functional.linear if name == "head" else functional.conv2d
        padding = {} if name == "head" else {"padding": 1}
        clean = apply(x, part.weight.double(), part.bias.double(), **padding)
        for b in bits:
            weight, bias, entering = part.weight.double(), part.bias.double(), x
            if target != "activation":
                weight = quantizer.weight(layer, b).double()
                bias = bias + quantizer.shift(layer, b).double()
            if target != "weight":
                entering = quantizer.entering(layer, b)(x.float()).double()
            noisy = apply(entering, weight, bias, **padding)
            y, z = (t.detach().numpy().reshape(20, -1) for t in (clean, noisy))
            ratio = ((z - y) ** 2).sum(1) / (y**2).sum(1)
            cosine = (y * z).sum(1) / np.linalg.norm(y, axis=1) / np.linalg.norm(z, axis=1)
            row = found[name, b]
            assert row.delta_loss == pytest.approx(ratio.mean(), rel=1e-4)
            interval = stats.t.interval(0.95, 19, ratio.mean(), stats.sem(ratio))
            assert (row.ci_low, row.ci_high) == pytest.approx(interval, rel=1e-3)
            assert row.noise.sqnr_db == pytest.approx(-10 * np.log10(ratio.mean()), abs=1e-3)
            assert row.noise.mean_squared == pytest.approx(((z - y) ** 2).mean(), rel=1e-4)
            assert 1 - row.noise.cosine == pytest.approx(1 - cosine.mean(), rel=1e-3)
            assert (row.samples, row.method, row.target) == (20, "noise", target)
            assert row.activation_bits == (b if target == "both" else None)


def test_all_pairs_of_widths() -> None:
    network, data = residual_network(), random_data(6)
    config = config_of((3, 8), 6, "both", activation_bits=(4, 8))
    rows = measure_noise(network, data, config, calibration=calibrate(network, data))
    cells = {(r.bits, r.activation_bits): r.delta_loss for r in rows if r.layer == "first"}
    assert set(cells) == {(3, 4), (3, 8), (8, 4), (8, 8)}
    assert cells[8, 8] < min(cells[3, 8], cells[8, 4])


def test_by_hand() -> None:
    sums = ImageSums(
        error=torch.tensor([0.25, 9.0, 0.0, 4.0]).double(),
        energy=torch.tensor([25.0, 0.0, 0.0, 1.0]).double(),
        noisy_energy=torch.tensor([21.25, 9.0, 0.0, 1.0]).double(),
        values=2,
    )  # (3, 4) -> (3, 3.5); zeros -> three; zeros; (1, 0) -> (-1, 0)
    assert sums.noise_to_signal.tolist() == pytest.approx([0.01, 9, 0, 4])
    assert sums.cosine.tolist() == pytest.approx([23 / 5 / 21.25**0.5, 0, 1, -1])


numbers = st.floats(-10, 10, width=32)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8), st.floats(-3, 3))
def test_cosine_is_that_of_numpy(pairs: list[tuple[float, float]], size: float) -> None:
    y, e = np.array(pairs).T
    z = y + e * 10.0 ** (2 * size - 6)
    squares = (torch.tensor([v]) for v in (((z - y) ** 2).sum(), (y**2).sum(), (z**2).sum()))
    (cosine,) = ImageSums(*squares, len(y)).cosine.tolist()
    product = np.linalg.norm(y) * np.linalg.norm(z)
    assert -1 <= cosine <= 1
    if product > 1e-12:
        assert cosine == pytest.approx((y * z).sum() / product, abs=1e-7)


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(2)
        self.shared, self.fc = nn.Conv2d(3, 3, 3, padding=1), nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.shared(self.shared(x).relu()).mean((2, 3)))
        return out


def test_a_layer_used_twice_sums_its_uses() -> None:
    module, data = Twice().eval(), random_data(5)
    network = as_network(module)
    row = by_cell(measure_noise(network, data, config_of((3,), 5, clipping=PLAIN)))["shared", 3]
    weight = NetworkQuantizer(network, PLAIN).weight(network.description.layer("shared"), 3)
    with torch.no_grad():
        first = module.shared(data.images)
        second = module.shared(first.relu())
        change = weight - module.shared.weight
        errors = [functional.conv2d(x, change, padding=1) for x in (data.images, first.relu())]
    squares = [t.double().square().sum((1, 2, 3)) for t in (*errors, first, second)]
    ratio = (squares[0] + squares[1]) / (squares[2] + squares[3])
    assert row.delta_loss == pytest.approx(float(ratio.mean()), rel=1e-4)
    values = 2 * first[0].numel()
    assert row.noise.mean_squared == pytest.approx(
        float((squares[0] + squares[1]).mean()) / values, rel=1e-4
    )


def test_copies_that_fill_a_fixed_batch_do_not_count() -> None:
    data, config = random_data(6), config_of((3, 8), 6, clipping=PLAIN)
    free = residual_network()
    fixed = replace(free, description=replace(free.description, batch=4))  # 4, then 2 and 2 copies
    expected = by_cell(measure_noise(free, data, config))
    for cell, row in by_cell(measure_noise(fixed, data, config)).items():
        known = expected[cell]
        assert row.samples == 6
        for got, want in ((row.delta_loss, known.delta_loss), (row.ci_low, known.ci_low)):
            assert got == pytest.approx(want, rel=1e-4)
        assert row.noise.mean_squared == pytest.approx(known.noise.mean_squared, rel=1e-4)


class Sequence(nn.Module):
    """A linear layer on (time, N, channels)."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.mix, self.fc = nn.Linear(3, 6), nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(self.mix(x.flatten(2).permute(2, 0, 1)).mean(0).relu())
        return out


def test_images_on_the_second_axis() -> None:
    module, data = Sequence().eval(), random_data(5)
    network = as_network(module)
    row = by_cell(measure_noise(network, data, config_of((3,), 5, clipping=PLAIN)))["mix", 3]
    rounded = NetworkQuantizer(network, PLAIN).weight(network.description.layer("mix"), 3)
    with torch.no_grad():
        x = data.images.flatten(2).transpose(1, 2)
        error = functional.linear(x, rounded - module.mix.weight)
        ratio = error.square().sum((1, 2)) / module.mix(x).square().sum((1, 2))
    interval = stats.t.interval(0.95, 4, ratio.mean(), stats.sem(ratio))
    assert row.delta_loss == pytest.approx(float(ratio.mean()), rel=1e-4)
    assert (row.ci_low, row.ci_high) == pytest.approx(interval, rel=1e-3)
    assert row.noise.mean_squared == pytest.approx(float(error.square().mean()), rel=1e-4)


def test_an_output_that_knows_no_images_belongs_to_each() -> None:
    layer = replace(as_network(Sequence().eval()).description.layer("mix"), output_shape=(2, 3))
    output = torch.arange(6.0).reshape(2, 3)
    assert squares_per_image(output, layer, 4, 3).tolist() == pytest.approx([55] * 3)
    assert values_per_image(output, layer, 4) == 6


def test_no_error_and_no_output() -> None:
    module = nn.Sequential(nn.Conv2d(2, 2, 1, bias=False), nn.Flatten(), nn.Linear(2, 2))
    module[0].weight.data = torch.tensor([[1.0, -1.0], [0.0, 1.0]])[..., None, None]
    module[2].weight.data = torch.tensor([[1.0, 0.4], [0.3, -1.0]])
    data = Dataset("two", torch.tensor([[0.0, 0.0], [2.0, 1.0]]).reshape(2, 2, 1, 1), None, None)
    rows = measure_noise(as_network(module, 2, 1), data, config_of((2,), 2, clipping=PLAIN))
    exact, rounded = rows
    assert (exact.delta_loss, exact.noise.sqnr_db, exact.noise.mean_squared) == (0, None, 0)
    assert exact.noise.cosine == pytest.approx(1)
    assert rounded.delta_loss > 0


def test_what_cannot_be_measured() -> None:
    network, data = residual_network(), random_data(4)
    with pytest.raises(BadInput, match="--calibration"):
        measure_noise(network, data, config_of((4,), 4, "activation"))
    broken = replace(data, images=data.images * float("nan"))
    with pytest.raises(BadInput, match="layer stem on random is NaN or infinite"):
        measure_noise(network, broken, config_of((4,), 4, clipping=PLAIN))
    asked = []
    with pytest.raises(Stopped):
        measure_noise(
            network,
            data,
            config_of((4,), 4, clipping=PLAIN),
            on_progress=lambda fraction, _: asked.append(fraction),
            should_stop=lambda: len(asked) == 2,
        )
    assert 0 <= asked[0] < asked[1] < 1


def test_network_tensors_stay_as_they_are() -> None:
    network: Network = residual_network()
    before = {key: value.clone() for key, value in network.tensors.items()}
    measure_noise(network, random_data(4), config_of((2,), 4))
    assert all(torch.equal(before[key], value) for key, value in network.tensors.items())
