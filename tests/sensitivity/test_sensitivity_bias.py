"""Bias correction, bases and pairs: against closed forms and whole runs of changed copies."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special
from small_nets import as_network, random_data, residual_network
from torch import nn

from qcore.calibrate.average import input_means, means_for
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.means import known_means
from qcore.calibrate.observe import calibrate
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput
from qcore.graph.kernels import to_kernels
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import NO_CHANGES
from qcore.sensitivity.config import SensitivityConfig, Width, check_config
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.store.home import means_file


def one_image(
    module: nn.Module, shape: tuple[int, ...], images: int = 6
) -> tuple[Network, Dataset]:
    generator = torch.Generator().manual_seed(3)
    values = torch.rand(images, *shape, generator=generator) + 0.2
    network = as_network(module, shape[0], shape[-1])
    return network, Dataset("made", values, None, None)


LAYERS = {
    "padded": lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1),
    "groups": lambda: nn.Conv2d(4, 6, 3, groups=2, dilation=2),
    "depthwise": lambda: nn.Conv2d(4, 8, 3, padding="same", groups=4, bias=False),
    "transposed": lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2, output_padding=1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_corrected_layer_has_the_mean_output_of_full_precision(name: str) -> None:
    torch.manual_seed(1)
    module = nn.Sequential(LAYERS[name](), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network, data = one_image(module, (4, 9, 9))
    (layer,) = network.description.layers
    quantizer = NetworkQuantizer(network, Clipping(), means=input_means(network, data))
    conv = module[0]
    rounded = copy.deepcopy(conv)
    rounded.weight.data = quantizer.weight(layer, 2)
    with torch.no_grad():
        move = (rounded(data.images) - conv(data.images)).mean((0, 2, 3))
    assert move.abs().max() > 0.01  # there is something to correct
    torch.testing.assert_close(quantizer.shift(layer, 2), -move, rtol=1e-4, atol=1e-6)


def test_patch_of_a_linear_layer_is_its_mean_input() -> None:
    network, data = one_image(nn.Sequential(nn.Flatten(), nn.Linear(8, 3)), (2, 2, 2))
    (layer,) = network.description.layers
    found = means_for(network, data)
    assert found.patches[layer.name] == pytest.approx(data.images.flatten(1).mean(0)[None].numpy())
    again = known_means(found.network_fingerprint, found.data_fingerprint)
    assert again is not None
    assert again.digests == found.digests == frozenset(data.digests())
    np.testing.assert_array_equal(again.patches[layer.name], found.patches[layer.name])
    means_file(found.network_fingerprint, found.data_fingerprint).write_bytes(b"damaged")
    assert known_means(found.network_fingerprint, found.data_fingerprint) is None


def test_corrected_loss_in_closed_form() -> None:
    """Two inputs, two classes, one layer without a bias: it gets one."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    weight, rounded = np.array([[1, 0.4], [0.3, -1]]), np.array([[1, 0], [0, -1]])
    module[1].weight.data = torch.tensor(weight, dtype=torch.float32)
    network = as_network(module, 2, 1)
    images = np.array([[1.0, 0.0], [1.0, 2.0]])
    data = Dataset("two", torch.tensor(images).float().reshape(2, 2, 1, 1), None, None)
    run = measure_exact(network, data, SensitivityConfig((2,), "kl", 2))
    shift = (weight - rounded) @ images.mean(0)
    p = special.softmax(images @ weight.T, axis=1)
    q = special.softmax(images @ rounded.T + shift, axis=1)
    (piece,) = run.pieces
    assert piece.total / 2 == pytest.approx(special.rel_entr(p, q).sum(1).mean(), rel=1e-5)


def changed(
    network: Network, data: Dataset, of: dict[Layer, Width], plain: Clipping
) -> torch.Tensor:
    """Logits of a graph run with everything replaced at once."""
    quantizer = NetworkQuantizer(network, plain, calibrate(network, data))
    changes = NO_CHANGES
    for layer, width in of.items():
        changes = changes.joined(quantizer.changes(layer, width.bits, width.activation_bits))
    with torch.inference_mode():
        return network.runner()(data.images, changes)


@pytest.mark.parametrize("activation_bits", [(), (3, 8)])
def test_pairs_over_a_base_of_eight_bits(activation_bits: tuple[int, ...]) -> None:
    network, data = residual_network(), random_data(12)
    plain = Clipping(bias_correction=False)
    config = SensitivityConfig(
        (4, 8),
        "kl",
        12,
        target="both",
        clipping=plain,
        activation_bits=activation_bits,
        base=8,
    )
    run = measure_exact(network, data, config, calibration=calibrate(network, data))
    layers = network.description.layers
    rows = rows_from_pieces(run.pieces, [layer.name for layer in layers], config)
    assert len(rows) == len(layers) * (2 if not activation_bits else 4)
    with torch.inference_mode():
        reference = network.runner()(data.images).double().softmax(1).numpy()
    base = dict.fromkeys(layers, Width(8, 8))

    def kl(of: dict[Layer, Width]) -> float:
        logits = changed(network, data, of, plain).double().softmax(1).numpy()
        return float(special.rel_entr(reference, logits).sum(1).mean())

    zero = kl(base)
    for row in rows[:4]:
        own = next(layer for layer in layers if layer.name == row.layer)
        assert row.delta_loss == pytest.approx(kl({**base, own: row.width}) - zero, abs=1e-6)
        if row.width == Width(8, 8):
            assert row.delta_loss == 0.0


def test_one_scale_for_a_layer() -> None:
    network, _ = one_image(nn.Sequential(nn.Flatten(), nn.Linear(8, 3)), (2, 2, 2))
    (layer,) = network.description.layers
    whole = NetworkQuantizer(network, Clipping(weight="max", per_kernel=False)).weight(layer, 4)
    weight = network.weight(layer)
    scale = float(weight.abs().max()) / 7
    expected = torch.fake_quantize_per_tensor_affine(weight, scale, 0, -7, 7)
    torch.testing.assert_close(whole, expected)
    assert to_kernels(whole, layer).shape == (3, 8)


def test_equal_questions_are_equal() -> None:
    plain = SensitivityConfig((4,), "kl", 5, target="activation")
    assert plain == replace(plain, clipping=Clipping("max", bias_correction=False))
    assert not plain.corrects_biases
    both = SensitivityConfig((4,), "kl", 5, target="both", activation_bits=(3, 8))
    assert both.widths == (Width(4, 3), Width(4, 8))
    assert replace(both, target="weight").activation_bits == ()
    assert SensitivityConfig.from_json(both.to_json()) == both
    with pytest.raises(BadInput, match="full precision or 8 bits"):
        check_config(replace(plain, base=4))


@pytest.mark.parametrize(("images", "probes"), [(10, 7), (64, 1), (1000, 1)])
def test_few_images_get_more_directions_each(images: int, probes: int) -> None:
    config = SensitivityConfig((4,), "kl", images, method="projected")
    assert config.probes == probes
    assert replace(config, method="exact").probes is None
    assert SensitivityConfig((4,), "kl", images, method="projected", probes=5).probes == 5


def test_what_would_do_nothing_is_refused() -> None:
    projected = SensitivityConfig((4,), "kl", 64, method="projected", refine=4)
    with pytest.raises(BadInput, match="at least 5 forward passes"):
        check_config(projected)
    with pytest.raises(BadInput, match="seed"):
        check_config(SensitivityConfig((4,), "kl", 64, seed=2**63))
