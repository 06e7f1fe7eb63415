"""Heads of every kind: what the loss is computed on, and whether the batch size may vary."""

from __future__ import annotations

import pytest
import torch
from small_nets import as_network, random_data
from torch import Tensor, nn

from qcore.allocate.bits import BitAllocation
from qcore.data.dataset import Dataset
from qcore.errors import BadInput
from qcore.graph.batch import free_batch
from qcore.graph.build import build_network
from qcore.graph.network import Network
from qcore.graph.program import export_module
from qcore.graph.run import as_tuple
from qcore.measure.evaluate import evaluate
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.objective import loss_per_image
from qcore.sensitivity.objectives import objectives_for


class Heads(nn.Module):
    """One convolution and a chosen end."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.kind = kind
        self.conv, self.fc = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 5)

    def forward(self, x: Tensor) -> object:
        features = self.conv(x).relu()
        scores = self.fc(features.mean((2, 3)))
        ends = {
            "scores": lambda: scores,
            "softmax": lambda: scores.softmax(1),
            "softmax over maps": lambda: scores[:, :, None, None].softmax(1),
            "softmax, then flat": lambda: scores[:, :, None, None].softmax(1).flatten(1),
            "softmax of flat maps": lambda: scores.reshape(-1, 5).softmax(-1).reshape(-1, 5, 1, 1),
            "softmax, then bounds": lambda: scores.softmax(1).clamp(0, 1),
            "own softmax": lambda: scores.exp() / scores.exp().sum(1, keepdim=True),
            "one value": lambda: scores[:, :1],
            "map": lambda: features,
            "two": lambda: (features, scores),
            "dict": lambda: {"boxes": features.flatten(1), "scores": scores},
            "choice beside": lambda: (scores, scores.argmax(1)),
            "constant beside": lambda: (scores, self.fc.weight * 2.0),
            "only a choice": lambda: scores.argmax(1),
            "mean over the batch": lambda: scores.mean(0),
        }
        return ends[self.kind]()


@pytest.mark.parametrize(
    ("kind", "shapes", "classes", "note"),
    [
        ("scores", ((5,),), 5, None),
        ("softmax", ((5,),), 5, "softmax at the end is left out"),
        ("softmax over maps", ((5,),), 5, "softmax at the end is left out"),
        ("softmax, then flat", ((5,),), 5, "softmax at the end is left out"),
        ("softmax of flat maps", ((5,),), 5, "softmax at the end is left out"),
        (
            "softmax, then bounds",
            ((5,),),
            5,
            "the loss is computed on their logarithm",
        ),
        ("own softmax", ((5,),), 5, "the loss is computed on their logarithm"),
        ("one value", ((1,),), None, None),
        ("map", ((4, 8, 8),), None, None),
        ("two", ((4, 8, 8), (5,)), None, None),
        ("dict", ((256,), (5,)), None, None),
        ("choice beside", ((5,),), 5, "output 2 of 2 is left out"),
        ("constant beside", ((5,),), 5, "output 2 of 2 is left out"),
    ],
)
def test_outputs(kind: str, shapes: object, classes: int | None, note: str | None) -> None:
    module = Heads(kind)
    network = as_network(module)
    described = network.description
    assert (described.output_shapes, described.classes) == (shapes, classes)
    assert any(note in text for text in described.notes) if note else described.notes == ()
    images = random_data(3).images.float()
    outputs = as_tuple(network.runner()(images))
    assert tuple(tuple(y.shape[1:]) for y in outputs) == shapes
    if "softmax" in kind:  # the same order and, after softmax, the same values
        expected = module(images)
        assert torch.allclose(outputs[0].softmax(1), expected.reshape(3, 5), atol=1e-6)


@pytest.mark.parametrize("kind", ["only a choice", "mean over the batch"])
def test_no_output_to_measure_on(kind: str) -> None:
    with pytest.raises(BadInput, match="nothing can be measured on it"):
        as_network(Heads(kind))


def test_relative_squared_error_by_hand() -> None:
    reference = (torch.tensor([[1.0, 3.0], [0.0, 0.0]]), torch.tensor([[2.0], [2.0]]))
    output = (torch.tensor([[1.0, 2.0], [0.5, 0.0]]), torch.tensor([[2.0], [1.0]]))
    loss = loss_per_image(output, reference, None, "mse")
    assert loss.tolist() == pytest.approx([(1 / 10 + 0) / 2, (0.25 + 1 / 4) / 2])


def test_sensitivity_and_measurement_of_a_network_that_is_no_classifier() -> None:
    network, data = as_network(Heads("two")), random_data(6)
    assert objectives_for(network.description, labelled=True) == ("mse",)
    run = measure_exact(network, data, SensitivityConfig((2, 8), "mse", 6))
    totals = {(p.layer, p.bits): p.total for p in run.pieces}
    assert totals["conv", 2] > 100 * totals["conv", 8] > 0
    bits = BitAllocation({"conv": 8, "fc": 8})
    result = evaluate(network, data, bits)
    assert (result.objective, result.accuracy, result.agreement) == ("mse", None, None)
    assert 0 < result.loss < 1e-3
    with pytest.raises(BadInput, match="no classifier"):
        evaluate(network, data, bits, "kl")


class BakedBatch(nn.Module):
    """Shapes written for one batch size, as files converted for deployment have them."""

    def __init__(self, batch: int, mixes: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.batch, self.mixes = batch, mixes
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4 * 36, 5)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x).reshape(self.batch, 4 * 36)
        if self.mixes:
            y = y - y.mean(0, keepdim=True)
        return self.fc(y)


@pytest.mark.parametrize("batch", [1, 4])
def test_a_batch_size_that_is_only_written_down_varies(batch: int) -> None:
    network = build_network(BakedBatch(batch, mixes=False), "baked", ((3, 8, 8),), batch=batch)
    assert network.description.batch is None
    images = random_data(7).images.float()
    one_by_one = torch.cat([BakedBatch(1, mixes=False)(x[None]) for x in images])
    assert torch.allclose(network.runner()(images), one_by_one, atol=1e-5)


def test_a_batch_size_that_matters_stays() -> None:
    """Images are filled up to four by the last one, and its results cut off."""
    module = BakedBatch(4, mixes=True)
    network = build_network(module, "mixing", ((3, 8, 8),), batch=4)
    assert network.description.batch == 4
    assert "4 image(s) at a time" in network.description.notes[0]
    images = random_data(3).images.float()
    filled = torch.cat([images, images[-1:]])
    output = network.runner()(images)
    assert isinstance(output, Tensor)
    assert torch.allclose(output, module(filled)[:3], atol=1e-5)
    with pytest.raises(ValueError, match="5 images at once"):
        network.runner()(torch.zeros(5, 3, 8, 8))


def test_a_fixed_batch_is_described_for_one_image() -> None:
    fixed = build_network(BakedBatch(4, mixes=True), "mixing", ((3, 8, 8),), batch=4).description
    free = build_network(BakedBatch(1, mixes=False), "baked", ((3, 8, 8),), batch=1).description
    for a, b in zip(fixed.layers, free.layers, strict=True):
        assert (a.macs, a.input_shape, a.output_shape) == (b.macs, b.input_shape, b.output_shape)


def test_sensitivity_of_a_fixed_batch_covers_every_image() -> None:
    network = build_network(BakedBatch(4, mixes=True), "mixing", ((3, 8, 8),), batch=4)
    run = measure_exact(network, random_data(6), SensitivityConfig((4,), "kl", 6))
    samples = [(p.chunk, p.samples) for p in run.pieces if p.layer == "fc"]
    assert samples == [(0, 4), (1, 2)]


def test_a_shape_is_put_back_where_freeing_fails() -> None:
    program = export_module(BakedBatch(4, mixes=True), ((3, 8, 8),), 4)
    before = [node.args for node in program.graph.nodes]
    assert free_batch(program).batch == 4
    assert [n.args for n in program.graph.nodes if n.name != "sym_size_int"] == before


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(6, 5)

    def forward(self, image: Tensor, facts: Tensor) -> Tensor:
        return self.fc(torch.cat([self.conv(image).mean((2, 3)), facts], 1))


def test_two_inputs() -> None:
    module = TwoInputs()
    network = build_network(module, "two", ((3, 8, 8), (2,)))
    assert network.description.extra_inputs == (("facts", (2,)),)
    images, facts = torch.randn(5, 3, 8, 8), torch.randn(5, 2)
    assert torch.allclose(network.runner()((images, facts)), module(images, facts), atol=1e-6)
    data = Dataset("d", images, None, None, extras=(facts,))
    run = measure_exact(network, data, SensitivityConfig((8,), "kl", 5))
    assert sum(p.samples for p in run.pieces if p.layer == "fc") == 5


def test_one_dimension() -> None:
    module = nn.Sequential(nn.Conv1d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 14, 3))
    network = build_network(module, "1-D", ((2, 16),))
    conv = network.description.layers[0]
    assert (conv.op, conv.macs, conv.kernels) == ("conv1d", 4 * 14 * 6, 4)
    signal = torch.randn(3, 2, 16)
    assert torch.allclose(network.runner()(signal), module(signal), atol=1e-6)


def test_layers_without_kernels_are_refused() -> None:
    class Empty(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(0, 12))
            self.fc = nn.Linear(12, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = x.flatten(1)
            return torch.cat([self.fc(x), nn.functional.linear(x, self.weight)], 1)

    with pytest.raises(BadInput, match="has no weights"):
        build_network(Empty(), "empty", ((3, 2, 2),))


def as_named(network: Network) -> set[str]:
    return {layer.name for layer in network.description.layers}


def test_a_custom_convolution_is_a_convolution() -> None:
    """Weight standardisation computes the weight: it is folded to a constant."""

    class Standardised(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            mean = self.weight.mean((1, 2, 3), keepdim=True)
            return nn.functional.conv2d(x, self.weight - mean, self.bias, padding=1)

    module = nn.Sequential(Standardised(3, 4, 3), nn.Flatten(), nn.Linear(256, 2))
    network = as_network(module)
    assert as_named(network) == {"0", "2"}
    weight = network.weight(network.description.layer("0"))
    assert torch.allclose(weight.mean((1, 2, 3)), torch.zeros(4), atol=1e-7)
