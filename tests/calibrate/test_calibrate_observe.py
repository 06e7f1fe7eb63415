"""What enters layers is counted like numpy does on the inputs of the plain modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from calibrate_common import histogram_of
from small_nets import as_network, random_data, randomise, residual_network, small_residual
from torch import Tensor, nn

from qcore.calibrate import observe
from qcore.calibrate.calibration import Calibration
from qcore.calibrate.histogram import Histogram
from qcore.calibrate.observe import calibrate
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.build import build_network
from qcore.graph.network import Network


def entering(module: nn.Module, images: Tensor) -> dict[str, list[np.ndarray]]:
    """Name of a layer -> what entered it at each call, one row an image."""
    seen: dict[str, list[np.ndarray]] = {}

    def hear(name: str) -> Callable[[nn.Module, Any], None]:
        def note(part: nn.Module, args: tuple[Tensor, ...]) -> None:
            rows = args[0].detach().reshape(len(images), -1)
            seen.setdefault(name, []).append(rows.numpy())

        return note

    layers = [(n, m) for n, m in module.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_pre_hook(hear(name)) for name, layer in layers]
    with torch.inference_mode():
        module(images)
    for hook in hooks:
        hook.remove()
    return seen


def same(a: Histogram, b: Histogram, moved: int = 0) -> None:
    """Equal, but for values that float32 kernels put on the other side of an edge."""
    assert a.bin_width == b.bin_width
    assert (a.zeros, a.total) == (b.zeros, b.total)
    assert (a.low, a.high) == (pytest.approx(b.low, rel=1e-5), pytest.approx(b.high, rel=1e-5))
    for one, other in ((a.negative, b.negative), (a.positive, b.positive)):
        assert np.abs(np.cumsum(one) - np.cumsum(other)).max() <= moved


def check(found: Calibration, module: nn.Module, data: Dataset) -> None:
    expected = entering(module, data.images)
    assert {layer.name for layer in found.layers} == set(expected)
    assert found.images == len(data)
    for layer in found.layers:
        for half, histogram in ((0, layer.even), (1, layer.odd)):
            rows = np.concatenate([call[half::2].reshape(-1) for call in expected[layer.name]])
            same(histogram, histogram_of(rows), moved=len(rows) // 500 + 2)
        assert layer.inputs.total == layer.even.total + layer.odd.total
        assert layer.histogram("activation") is layer.inputs
        assert layer.histogram("weight") is layer.weight


@pytest.mark.parametrize("count", [1, 2, 9, 40])
def test_every_layer_in_both_halves(count: int) -> None:
    module, network, data = small_residual(), residual_network(), random_data(count)
    found = calibrate(network, data)
    if count > 1:
        check(found, module, data)
    else:
        assert all(layer.odd.total == 0 < layer.even.total for layer in found.layers)
    for layer in network.description.layers:
        weight = network.weight(layer).double().numpy()
        same(found.layer(layer.name).weight, histogram_of(weight))
    assert found.network_fingerprint == network.description.fingerprint
    assert found.data_fingerprint == data.fingerprint()


@pytest.mark.parametrize("chunk", [1, 3, 100])
def test_chunks_do_not_show(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    network, data = residual_network(), random_data(20)
    whole = calibrate(network, data)
    monkeypatch.setattr(observe, "chunk_images", lambda network: chunk)
    for layer, other in zip(whole.layers, calibrate(network, data).layers, strict=True):
        same(layer.inputs, other.inputs, moved=5)
        same(layer.even, other.even, moved=5)


def with_batch(network: Network, batch: int) -> Network:
    """The same, said to take that many images at a time only."""
    return replace(network, description=replace(network.description, batch=batch))


@pytest.mark.parametrize("count", [3, 8, 11])
def test_copies_that_fill_a_batch_do_not_count(count: int) -> None:
    data = random_data(count)
    check(calibrate(with_batch(residual_network(), 4), data), small_residual(), data)


class Tokens(nn.Module):
    """Images become (images * tokens, channels) before the second layer."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 1)
        self.mix = nn.Linear(6, 4)
        self.head = nn.Linear(64 * 4, 5)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.conv(x).permute(0, 2, 3, 1).reshape(-1, 6)
        out: Tensor = self.head(self.mix(rows).relu().reshape(x.shape[0], -1))
        return out


def test_rows_that_are_tokens() -> None:
    torch.manual_seed(0)
    module, data = Tokens().eval(), random_data(7)
    network = as_network(module)
    free = calibrate(network, data)
    check(free, module, data)
    # Which rows are of which image nobody knows: copies that fill a batch count, and change no end.
    for ours, theirs in zip(
        calibrate(with_batch(network, 2), data).layers, free.layers, strict=True
    ):
        assert (ours.inputs.low, ours.inputs.high) == pytest.approx(
            (theirs.inputs.low, theirs.inputs.high), rel=1e-5
        )


class Twice(nn.Module):
    """One layer used three times."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.head = nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            x = 2 * self.conv(x).relu()
        out: Tensor = self.head(x.mean((2, 3)))
        return out


def test_a_layer_counts_at_each_of_its_uses() -> None:
    torch.manual_seed(0)
    module, data = Twice().eval(), random_data(6)
    network = as_network(module)
    found = calibrate(network, data)
    assert found.layer("conv").inputs.total == 3 * 6 * 3 * 8 * 8
    check(found, module, data)


def test_progress_and_stopping() -> None:
    network, data = residual_network(), random_data(9)
    steps: list[float] = []
    calibrate(network, data, on_progress=lambda fraction, message: steps.append(fraction))
    assert steps == sorted(steps)
    assert steps[-1] == 1.0
    with pytest.raises(Stopped):
        calibrate(network, data, should_stop=lambda: len(steps) > 0)


def test_what_is_not_finite_is_named() -> None:
    network = as_network(small_residual())
    data = random_data(4)
    data.images[3] = 1e30
    network.tensors[network.description.layers[0].weight_key].mul_(1e30)
    with pytest.raises(BadInput, match="what enters layer first is NaN or infinite"):
        calibrate(network, data)
    network.tensors[network.description.layers[2].weight_key][0] = float("nan")
    with pytest.raises(BadInput, match="the weight of second is NaN or infinite") as error:
        calibrate(network, data)
    assert "data" not in str(error.value)


def test_vectors_too() -> None:
    module = randomise(nn.Sequential(nn.Linear(7, 5), nn.ReLU(), nn.Linear(5, 3)))
    network = build_network(module, "vectors", ((7,),))
    data = random_data(11, (7,), None)
    check(calibrate(network, data), module, data)
