"""The Hessian measure: known answers, and torch.func's whole Hessian."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from small_nets import as_network, random_data
from torch import Tensor, nn
from torch.nn import functional

from qcore.calibrate.clipping import Clipping
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.network import Network
from qcore.sensitivity import hessian
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.hessian import measure_hessian
from qcore.sensitivity.hessian_trace import SecondDerivative, rademacher
from qcore.sensitivity.objective import loss_per_image
from qcore.sensitivity.objectives import Objective


def config_of(images: int, objective: Objective = "kl", **more: object) -> SensitivityConfig:
    return SensitivityConfig((3, 8), objective, images, method="hessian", **more)


def regression() -> SecondDerivative:
    """Linear(2 -> 1) on three points, mean squared error: H = (2/3) [[35, 44], [44, 56]]."""
    weight = torch.tensor([[0.3, -0.2]], dtype=torch.float64, requires_grad=True)
    points = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], dtype=torch.float64)
    return SecondDerivative((points @ weight.T).square().mean(), [weight])


def test_two_weights_on_paper() -> None:
    signs = [torch.tensor([pair]).double() for pair in itertools.product((-1, 1), repeat=2)]
    values = [float(regression().traces([probe])) for probe in signs]
    assert values == pytest.approx([119.3333333, 2, 2, 119.3333333])
    assert sum(values) / 4 == pytest.approx(60.6666667)


def test_enumerated_probes_of_two_leaves_give_each_its_own_trace() -> None:
    """f = 3 a0² + a0 b + 5 b² a1: blocks [[6, 0], [0, 0]] and [10 a1], and terms between."""
    a = torch.tensor([1.0, 2.0], requires_grad=True)
    b = torch.tensor([0.5], requires_grad=True)
    second = SecondDerivative(3 * a[0] ** 2 + a[0] * b[0] + 5 * b[0] ** 2 * a[1], [a, b])
    found = [
        second.traces([torch.tensor([x, y]), torch.tensor([z])])
        for x, y, z in itertools.product((-1.0, 1.0), repeat=3)
    ]
    assert torch.stack(found).mean(0).tolist() == pytest.approx([6, 20])
    assert len({tuple(value.tolist()) for value in found}) > 1  # one probe alone is not exact


def test_a_leaf_without_curvature_has_trace_zero() -> None:
    used = torch.tensor([1.0, 2.0], requires_grad=True)
    unused = torch.tensor([3.0], requires_grad=True)
    ones = [torch.ones(2), torch.ones(1)]
    assert SecondDerivative(used.square().sum(), [used, unused]).traces(ones).tolist() == [4, 0]
    assert SecondDerivative(used.sum(), [used, unused]).traces(ones).tolist() == [0, 0]


def test_probes_are_signs_in_equal_parts() -> None:
    leaves = [torch.zeros(100, 50), torch.zeros(3, dtype=torch.float64)]
    probe = rademacher(leaves, torch.Generator().manual_seed(0))
    assert [(p.shape, p.dtype) for p in probe] == [(t.shape, t.dtype) for t in leaves]
    assert set(probe[0].unique().tolist()) == {-1, 1}
    assert abs(float(probe[0].mean())) < 4 / math.sqrt(5000)


class Tiny(nn.Module):
    """Two layers whose Hessian is small enough to be written down, and smooth."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(4)
        self.conv, self.fc = nn.Conv2d(2, 3, 2), nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc(torch.tanh(self.conv(x)).mean((2, 3)))
        return out


def true_omegas(
    module: nn.Module, network: Network, data: Dataset, config: SensitivityConfig
) -> dict[tuple[str, int], float]:
    """By the whole Hessian of each layer, one at a time."""
    with torch.no_grad():
        reference = module(data.images)
    found = {}
    for layer in network.description.layers:
        weight = module.get_parameter(layer.weight_key).detach()

        def loss(changed: Tensor, key: str = layer.weight_key) -> Tensor:
            output = torch.func.functional_call(module, {key: changed}, data.images)
            return loss_per_image(output, reference, data.labels, config.objective).mean()

        size = weight.numel()
        trace = float(torch.func.hessian(loss)(weight).detach().reshape(size, size).trace())
        for bits in config.bits:
            rounded = NetworkQuantizer(network, config.clipping).weight(layer, bits)
            found[layer.name, bits] = trace / size * float((rounded - weight).square().sum())
    return found


@pytest.mark.parametrize("objective", ["kl", "cross_entropy", "mse"])
def test_intervals_hold_the_trace_of_the_whole_hessian(
    objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = Tiny().eval()
    network, data = as_network(module, 2, 5), random_data(8, (2, 5, 5), 4)
    values = sum(
        math.prod(s) for la in network.description.layers for s in (la.input_shape, la.output_shape)
    )
    monkeypatch.setattr(hessian, "_CHUNK_VALUES", 3 * values)  # chunks of 3, 3 and 2 images
    config = config_of(8, objective, probes=300)
    truth = true_omegas(module, network, data, config)
    relative = []
    for row in measure_hessian(network, data, config):
        omega = truth[row.layer, row.bits]
        half = (row.ci_high - row.ci_low) / 2
        assert abs(row.delta_loss - omega) < 2 * half  # about four standard errors
        relative.append(half / abs(omega))
        assert (row.samples, row.method, row.target) == (8, "hessian", "weight")
    assert min(relative) < 0.7  # intervals that say something


def scalar_network() -> tuple[nn.Module, Network, Dataset]:
    """One weight: (w x + b)², relative to itself, has H = 2 x² / (w x + b)² and every probe it."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(1, 1))
    module[1].weight.data, module[1].bias.data = torch.tensor([[0.7]]), torch.tensor([0.4])
    images = torch.tensor([1.0, 2.0, 5.0]).reshape(3, 1, 1, 1)
    return module, as_network(module, 1, 1), Dataset("three", images, None, None)


def test_chunks_count_by_their_images(monkeypatch: pytest.MonkeyPatch) -> None:
    _, network, data = scalar_network()
    monkeypatch.setattr(hessian, "_CHUNK_VALUES", 4)  # two images, and one
    clipping = Clipping(weight=0.5, bias_correction=False)  # at most 0.5: 0.7 is off by 0.2
    row = measure_hessian(network, data, config_of(3, "mse", clipping=clipping))[0]
    x = data.images.flatten()
    trace = float((2 * x**2 / (0.7 * x + 0.4) ** 2).mean())
    assert row.delta_loss == pytest.approx(trace * 0.2**2, rel=1e-5)
    assert row.ci_low < row.delta_loss < row.ci_high  # the chunks differ, the probes do not


def test_squared_change_of_weights_per_tensor() -> None:
    """W of the facts: 4 bit changes it by 0.0063775510 in square, 8 bit by 1.5655e-5."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    module[1].weight.data = torch.tensor([[0.9, -0.3], [0.2, 0.55]])
    network, data = as_network(module, 2, 1), random_data(4, (2, 1, 1), None)
    clipping = Clipping(weight="max", per_kernel=False, bias_correction=False)
    config = SensitivityConfig((4, 8), "kl", 4, method="hessian", clipping=clipping, probes=6)
    four, eight = measure_hessian(network, data, config)
    assert four.delta_loss > 0
    assert four.delta_loss / eight.delta_loss == pytest.approx(0.0063775510 / 1.5655e-5, rel=1e-4)


def test_seed() -> None:
    network, data = as_network(Tiny().eval(), 2, 5), random_data(8, (2, 5, 5), 4)
    first, again, other = (
        measure_hessian(network, data, config_of(8, seed=seed)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first[0].delta_loss != other[0].delta_loss


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.mix, self.fc = nn.Linear(4, 12), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.mix(x.flatten(2).transpose(1, 2)).chunk(3, -1)
        y = functional.scaled_dot_product_attention(q[:, None], k[:, None], v[:, None])
        out: Tensor = self.fc(y[:, 0].mean(1))
        return out


class Distances(nn.Module):
    """Distances between channels: torch has no second derivative of them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(2, 2, 1), nn.Linear(2, 3)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x).flatten(2)
        out: Tensor = self.fc(torch.cdist(y, 2 * y.relu()).mean(2))
        return out


def test_attention_has_a_second_derivative() -> None:
    network, data = as_network(Attention().eval(), 4, 3), random_data(4, (4, 3, 3), 3)
    rows = measure_hessian(network, data, config_of(4))
    assert all(math.isfinite(row.delta_loss) for row in rows)
    assert any(row.delta_loss != 0 for row in rows)


def test_what_cannot_be_measured() -> None:
    network, data = as_network(Distances().eval(), 2, 4), random_data(4, (2, 4, 4), 3)
    with pytest.raises(BadInput, match="_cdist_backward") as refused:
        measure_hessian(network, data, config_of(4))
    assert "\n" not in str(refused.value)
    tiny = as_network(Tiny().eval(), 2, 5)
    broken = Dataset("broken", torch.full((4, 2, 5, 5), float("nan")), None, None)
    with pytest.raises(BadInput, match="NaN or infinite"):
        measure_hessian(tiny, broken, config_of(4))
    asked: list[float] = []
    with pytest.raises(Stopped):
        measure_hessian(
            tiny,
            random_data(4, (2, 5, 5), 4),
            config_of(4),
            on_progress=lambda fraction, _: asked.append(fraction),
            should_stop=lambda: len(asked) == 3,
        )
    assert asked == pytest.approx([1 / 32, 2 / 32, 3 / 32])


def test_tensors_made_in_inference_mode() -> None:
    with torch.inference_mode():
        network = as_network(Tiny().eval(), 2, 5)
        network.tensors.update({key: value.clone() for key, value in network.tensors.items()})
        assert all(value.is_inference() for value in network.tensors.values())
        rows = measure_hessian(network, random_data(4, (2, 5, 5), 4), config_of(4))
    assert rows[0].delta_loss != 0
