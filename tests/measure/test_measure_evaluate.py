"""Measured loss, accuracy and agreement, against a module whose weights are replaced."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import pytest
import torch
from scipy import stats
from small_nets import Residual, as_network, random_data, small_residual
from torch import Tensor, nn
from torch.nn import functional

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.network import Network
from qcore.measure.evaluate import evaluate, quantized
from qcore.measure.evaluation import Evaluation
from qcore.quantize.symmetric import mse_scale, quantize

LAYERS = ("stem", "first", "second", "head")
MIXED = {"stem": 3, "first": None, "second": 2, "head": 4}
ALLOCATIONS: dict[str, dict[str, int | None]] = {
    "2 bits": dict.fromkeys(LAYERS, 2),
    "8 bits": dict.fromkeys(LAYERS, 8),
    "mixed": MIXED,
}
IMAGES = 300  # more than one chunk


def without_norms(module: Residual) -> Residual:
    """The same function with each batch norm multiplied into the convolution before it."""
    module = copy.deepcopy(module)
    for conv, name in ((module.stem, "norm"), (module.second, "norm2")):
        norm = getattr(module, name)
        factor = norm.weight.data / (norm.running_var + norm.eps).sqrt()
        conv.weight.data *= factor.reshape(-1, 1, 1, 1)
        conv.bias = nn.Parameter(norm.bias.data - norm.running_mean * factor)
        setattr(module, name, nn.Identity())
    return module


def rounded(weight: Tensor, bits: int) -> Tensor:
    """Each output channel on its own scale, by PyTorch's quantizer."""
    n = 2 ** (bits - 1) - 1
    scale = mse_scale(weight.reshape(len(weight), -1), bits).reshape(-1)
    zero = torch.zeros(len(weight), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -n, n)


@pytest.fixture(scope="module")
def module() -> Residual:
    return small_residual()


@pytest.fixture(scope="module")
def network(module: Residual) -> Network:
    return as_network(copy.deepcopy(module))


@pytest.fixture(scope="module")
def data() -> Dataset:
    return random_data(IMAGES)


@pytest.mark.parametrize("labelled", [True, False], ids=["labels", "no labels"])
@pytest.mark.parametrize("name", list(ALLOCATIONS))
def test_equals_a_module_with_replaced_weights(
    module: Residual, network: Network, data: Dataset, name: str, labelled: bool
) -> None:
    data = data if labelled else replace(data, labels=None)
    bits = ALLOCATIONS[name]
    changed = without_norms(module)
    for layer in (layer for layer, b in bits.items() if b is not None):
        part = getattr(changed, layer)
        part.weight.data = rounded(part.weight.data, bits[layer])
    with torch.no_grad():
        full, low = module(data.images).double(), changed(data.images).double()
    if labelled:
        base = functional.cross_entropy(full, data.labels, reduction="none")
        loss = functional.cross_entropy(low, data.labels, reduction="none")
    else:
        base = torch.zeros(IMAGES, dtype=torch.float64)
        loss = (full.softmax(1) * (full.log_softmax(1) - low.log_softmax(1))).sum(1)
    found = evaluate(network, data, BitAllocation(bits))
    assert found.objective == ("cross_entropy" if labelled else "kl")
    assert found.samples == IMAGES
    close = {"rel": 1e-3, "abs": 1e-6}
    assert found.baseline_loss == pytest.approx(float(base.mean()), **close)
    assert found.loss == pytest.approx(float(loss.mean()), **close)
    delta = (loss - base).numpy()
    half = stats.t.ppf(0.975, IMAGES - 1) * stats.sem(delta)
    interval = (found.delta_low, found.delta_high)
    assert interval == pytest.approx((delta.mean() - half, delta.mean() + half), **close)
    assert found.delta_loss == pytest.approx(delta.mean(), **close)
    assert found.agreement == float((full.argmax(1) == low.argmax(1)).double().mean())
    accuracies = [
        float((x.argmax(1) == data.labels).double().mean()) for x in (low, full) if labelled
    ]
    assert [found.accuracy, found.baseline_accuracy] == (accuracies or [None, None])


@pytest.mark.parametrize("objective", ["kl", "cross_entropy"])
def test_no_bits_change_nothing(network: Network, data: Dataset, objective: str) -> None:
    found = evaluate(network, data, BitAllocation(dict.fromkeys(LAYERS)), objective)
    assert (found.delta_loss, found.delta_low, found.delta_high) == (0, 0, 0)
    assert found.agreement == 1
    assert found.accuracy == found.baseline_accuracy
    assert found.objective == objective
    assert (found.baseline_loss == 0) == (objective == "kl")


def test_accuracy_where_every_label_is_the_network_s_answer(
    network: Network, module: Residual, data: Dataset
) -> None:
    with torch.no_grad():
        answers = module(data.images).argmax(1)
    found = evaluate(network, replace(data, labels=answers), BitAllocation(MIXED))
    assert found.baseline_accuracy == 1
    assert found.accuracy == found.agreement < 1


def test_one_image_has_no_interval(network: Network) -> None:
    found = evaluate(network, random_data(1), BitAllocation(MIXED))
    assert (found.samples, found.delta_low, found.delta_high) == (1, None, None)


@pytest.mark.parametrize(
    "bits", [{"stem": 4}, {**MIXED, "tail": 4}, {}], ids=["missing", "unknown", "empty"]
)
def test_allocation_of_another_network(
    network: Network, data: Dataset, bits: dict[str, int | None]
) -> None:
    with pytest.raises(BadInput, match="the allocation"):
        evaluate(network, data, BitAllocation(bits))


def test_output_that_is_not_finite(network: Network) -> None:
    huge = Dataset("huge", torch.full((2, 3, 8, 8), 3e38), None, None)
    with pytest.raises(BadInput, match="full-precision network's output is NaN or infinite"):
        evaluate(network, huge, BitAllocation(MIXED))


def test_stops_between_chunks(network: Network, data: Dataset) -> None:
    seen: list[float] = []
    with pytest.raises(Stopped):
        evaluate(
            network,
            data,
            BitAllocation(MIXED),
            on_progress=lambda fraction, message: seen.append(fraction),
            should_stop=lambda: bool(seen),
        )
    assert seen == [256 / IMAGES]


def test_progress_ends_at_one(network: Network, data: Dataset) -> None:
    seen: list[tuple[float, str]] = []
    evaluate(network, data, BitAllocation(MIXED), on_progress=lambda *step: seen.append(step))
    assert seen == [(256 / IMAGES, "256 images"), (1, "300 images")]


def test_survives_a_file(network: Network) -> None:
    found = evaluate(network, random_data(3), BitAllocation(MIXED))
    data = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert data["delta_loss"] == found.delta_loss
    assert Evaluation.from_json(data) == found
    with pytest.raises(KeyError, match="agreement"):
        Evaluation.from_json({k: v for k, v in data.items() if k != "agreement"})


def test_output_channels_of_a_transposed_convolution_have_their_own_scales() -> None:
    torch.manual_seed(0)
    up = nn.ConvTranspose2d(4, 6, 2, groups=2)  # stored (4, 3, 2, 2): 2 inputs, 3 outputs a group
    network = as_network(nn.Sequential(up, nn.Flatten(), nn.Linear(6 * 81, 3)), channels=4)
    chosen = BitAllocation({"0": 3, "2": None})
    weights = quantized(network, chosen, NetworkQuantizer(network, chosen.clipping)).tensors
    assert list(weights) == ["0.weight"]
    for kernel in range(6):
        group, output = divmod(kernel, 3)
        inputs = slice(2 * group, 2 * group + 2)
        own = up.weight.data[inputs, output].reshape(1, -1)
        expected = quantize(own, mse_scale(own, 3), 3)
        found = weights["0.weight"].cpu()[inputs, output].reshape(1, -1)
        assert torch.equal(found, expected)
