"""Bits per kernel, and pruned kernels: against modules whose weights are changed by hand."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
import torch
from scipy import special
from small_nets import Residual, as_network, random_data, small_residual
from torch import Tensor, nn

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.average import input_means, means_for
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.data.source import DataSource
from qcore.graph.kernels import to_kernels
from qcore.graph.network import Network
from qcore.jobs.questions import EvaluateQuestion, to_json
from qcore.measure.evaluate import evaluate
from qcore.quantize.symmetric import mse_scale

BITS: dict[str, int | tuple[int, ...] | None] = {
    "stem": (0, 2, 3, 4, 8, 16),
    "first": 0,
    "second": None,
    "head": (4, 0, 2, 8, 3),
}
"""Of the four layers of ``Residual``, with 6, 6, 6 and 5 kernels."""


@pytest.fixture(scope="module")
def module() -> Residual:
    """Batch norms are the identity, so that nothing is folded into the weights."""
    made = small_residual()
    made.norm, made.norm2 = nn.Identity(), nn.Identity()
    return made


@pytest.fixture(scope="module")
def network(module: Residual) -> Network:
    return as_network(copy.deepcopy(module))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return random_data(40, classes=None)


def by_hand(weight: Tensor, widths: tuple[int, ...]) -> Tensor:
    """Kernel by kernel with PyTorch's own quantizer; zeros at 0 bits."""
    rows = []
    for row, bits in zip(weight, widths, strict=True):
        if bits == 0:
            rows.append(torch.zeros_like(row))
            continue
        n = 2 ** (bits - 1) - 1
        scale = float(mse_scale(row.reshape(1, -1), bits))
        rows.append(torch.fake_quantize_per_tensor_affine(row, scale, 0, -n, n))
    return torch.stack(rows)


def changed(module: Residual) -> Residual:
    """The same module at ``BITS``, biases as they were."""
    copied = copy.deepcopy(module)
    for name, bits in BITS.items():
        if bits is not None:
            part = getattr(copied, name)
            each = bits if isinstance(bits, tuple) else (bits,) * len(part.weight)
            part.weight.data = by_hand(part.weight.data, each)
    return copied


def kl(full: Tensor, low: Tensor) -> float:
    p, q = (x.detach().double().softmax(1).numpy() for x in (full, low))
    return float(special.rel_entr(p, q).sum(1).mean())


def test_equals_a_module_with_weights_zeroed_and_rounded_by_hand(
    module: Residual, network: Network, data: Dataset
) -> None:
    expected = kl(module(data.images), changed(module)(data.images))
    plain = Clipping(bias_correction=False)
    found = evaluate(network, data, BitAllocation(BITS, clipping=plain), "kl")
    assert found.loss == pytest.approx(expected, rel=1e-4)
    assert expected > 0.01


def test_corrected_biases_are_those_of_mean_patches(
    module: Residual, network: Network, data: Dataset
) -> None:
    """Each layer's mean output moves by its error on the mean of what enters it at full precision;
    torch's hooks give that mean."""
    entering: dict[str, Tensor] = {}
    hooks = [
        getattr(module, name).register_forward_hook(
            lambda part, inputs, _, name=name: entering.update({name: inputs[0].detach()})
        )
        for name in BITS
    ]
    module(data.images)
    for hook in hooks:
        hook.remove()
    low = changed(module)
    for name, bits in BITS.items():
        if bits is None:
            continue
        part, own = getattr(module, name), getattr(low, name)
        axes = (0,) if isinstance(part, nn.Linear) else (0, 2, 3)
        move = (own(entering[name]) - part(entering[name])).mean(axes).detach()
        own.bias = nn.Parameter((torch.zeros_like(move) if own.bias is None else own.bias) - move)
    means = means_for(network, data)
    quantizer = NetworkQuantizer(network, Clipping(), means=means)
    for layer in network.description.layers:
        if BITS[layer.name] is not None:
            own = getattr(low, layer.name)
            before = getattr(module, layer.name).bias
            shift = own.bias if before is None else own.bias - before
            torch.testing.assert_close(
                quantizer.shift(layer, BITS[layer.name]), shift.detach(), rtol=1e-3, atol=1e-5
            )
    other = random_data(30, classes=None, seed=9)
    found = evaluate(network, other, BitAllocation(BITS), "kl", means=means)
    assert found.loss == pytest.approx(kl(module(other.images), low(other.images)), rel=1e-3)


def test_one_width_for_every_kernel_is_that_width(network: Network) -> None:
    quantizer = NetworkQuantizer(network, Clipping())
    for layer in network.description.layers:
        for bits in (0, 2, 5):
            whole = quantizer.weight(layer, bits)
            torch.testing.assert_close(
                quantizer.weight(layer, (bits,) * layer.kernels), whole, rtol=0, atol=0
            )
            assert whole.any() == (bits > 0)


def test_one_scale_for_a_layer_is_one_for_each_width(network: Network) -> None:
    layer = network.description.layer("stem")
    quantizer = NetworkQuantizer(network, Clipping("max", per_kernel=False))
    rows = to_kernels(quantizer.weight(layer, (0, 2, 3, 3, 2, 0)), layer)
    weight = network.weight(layer)
    for kernels, n in (([1, 4], 1), ([2, 3], 3)):
        scale = float(weight.abs().max()) / n
        whole = torch.fake_quantize_per_tensor_affine(weight, scale, 0, -n, n)
        torch.testing.assert_close(rows[kernels], to_kernels(whole, layer)[kernels])
    assert not rows[[0, 5]].any()


@pytest.mark.parametrize("groups", [1, 2])
def test_pruned_output_channels_of_a_transposed_convolution(groups: int) -> None:
    torch.manual_seed(0)
    conv = nn.ConvTranspose2d(4, 6, 3, groups=groups)
    network = as_network(conv, 4, 5)
    images = random_data(8, (4, 5, 5), classes=None)
    (layer,) = network.description.layers
    quantizer = NetworkQuantizer(network, Clipping(), means=input_means(network, images))
    bits = (0, 16, 16, 0, 16, 16)
    changes = quantizer.changes(layer, bits, None)
    with torch.inference_mode():
        output = network.runner()(images.images, changes)
    assert isinstance(output, Tensor)
    expected = conv(images.images).detach()
    np.testing.assert_allclose(output[:, [1, 2, 4, 5]], expected[:, [1, 2, 4, 5]], atol=1e-3)
    for kernel in (0, 3):  # a pruned kernel says its mean everywhere
        assert output[:, kernel].std() == pytest.approx(0, abs=1e-6)
        mean = float(expected[:, kernel].mean())
        assert float(output[:, kernel].mean()) == pytest.approx(mean, abs=1e-4)


def test_a_question_with_bits_per_kernel_is_equal_after_the_store() -> None:
    bits = tuple((name, own, None if name == "stem" else 8) for name, own in BITS.items())
    asked = EvaluateQuestion(
        "m", "f", DataSource("d"), "g", bits, "kl", Clipping(), DataSource("c"), "h"
    )
    stored = json.loads(json.dumps(to_json(asked)))
    again = EvaluateQuestion.from_json(stored)
    assert again == asked
    assert hash(again) == hash(asked)
    assert to_json(again) == stored
