"""Inputs of layers at few bits: against a module whose inputs torch itself quantizes."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from small_nets import as_network, random_data
from torch import Tensor, nn
from torch.nn import functional

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.observe import calibrate
from qcore.data.dataset import Dataset
from qcore.errors import BadInput
from qcore.graph.network import Network
from qcore.measure.evaluate import evaluate
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.pieces import rows_from_pieces

NAMES = ("0", "2", "5")


@pytest.fixture(scope="module")
def module() -> nn.Sequential:
    torch.manual_seed(3)
    parts = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.GELU(), nn.Flatten()]
    return nn.Sequential(*parts, nn.Linear(80, 4)).eval()


@pytest.fixture(scope="module")
def network(module: nn.Sequential) -> Network:
    return as_network(module)


@pytest.fixture(scope="module")
def halves() -> tuple[Dataset, Dataset]:
    whole = random_data(24)
    return whole.half("calibration"), whole.half("evaluation")


def entering(module: nn.Sequential, data: Dataset) -> dict[str, Tensor]:
    """What enters each layer at full precision."""
    seen: dict[str, Tensor] = {}
    hooks = [
        module[int(name)].register_forward_pre_hook(
            lambda part, args, name=name: seen.update({name: args[0].detach()})
        )
        for name in NAMES
    ]
    module(data.batch(torch.arange(len(data))))
    for hook in hooks:
        hook.remove()
    return seen


def fake_quantized(values: Tensor, seen: Tensor, bits: int) -> Tensor:
    """Affine over the whole range that was seen, widened to zero, by torch's own operator."""
    low, high = min(float(seen.min()), 0.0), max(float(seen.max()), 0.0)
    scale = (high - low) / (2**bits - 1)
    zero_point = round(-low / scale)
    return torch.fake_quantize_per_tensor_affine(values, scale, zero_point, 0, 2**bits - 1)


def with_rounded_inputs(
    module: nn.Sequential, data: Dataset, seen: dict[str, Tensor], bits: dict[str, int]
) -> Tensor:
    hooks = [
        module[int(name)].register_forward_pre_hook(
            lambda part, args, name=name: (fake_quantized(args[0], seen[name], bits[name]),)
        )
        for name in bits
    ]
    output: Tensor = module(data.batch(torch.arange(len(data))))
    for hook in hooks:
        hook.remove()
    return output.detach()


def kl(reference: Tensor, output: Tensor) -> Tensor:
    log_p, log_q = reference.log_softmax(1), output.log_softmax(1)
    return functional.kl_div(log_q, log_p, reduction="none", log_target=True).sum(1)


@pytest.mark.parametrize(
    "bits", [{"0": 8, "2": 4, "5": 3}, {"5": 2}, {"0": 6, "2": 6}], ids=["all", "last", "two"]
)
def test_evaluate_equals_a_module_whose_inputs_torch_quantizes(
    module: nn.Sequential, network: Network, halves: tuple[Dataset, Dataset], bits: dict[str, int]
) -> None:
    chosen, held_out = halves
    weights: dict[str, int | None] = dict.fromkeys(NAMES)
    allocation = BitAllocation(weights, activations=bits, clipping=Clipping(activation="max"))
    found = evaluate(network, held_out, allocation, "kl", calibration=calibrate(network, chosen))
    reference = module(held_out.batch(torch.arange(len(held_out)))).detach()
    expected = kl(reference, with_rounded_inputs(module, held_out, entering(module, chosen), bits))
    # A value that lies on a tie may round the other way by one unit in the last place.
    assert found.loss == pytest.approx(float(expected.mean()), rel=2e-3, abs=1e-7)
    assert found.loss > 0


def test_exact_loss_of_inputs_equals_whole_passes(
    module: nn.Sequential, network: Network, halves: tuple[Dataset, Dataset]
) -> None:
    data, _ = halves
    config = SensitivityConfig(
        (3, 6), "kl", len(data), target="activation", clipping=Clipping(activation="max")
    )
    run = measure_exact(network, data, config, calibration=calibrate(network, data))
    rows = rows_from_pieces(run.pieces, NAMES, config)
    reference, seen = module(data.batch(torch.arange(len(data)))).detach(), entering(module, data)
    assert [(row.layer, row.bits) for row in rows] == [(n, b) for n in NAMES for b in (3, 6)]
    for row in rows:
        output = with_rounded_inputs(module, data, seen, {row.layer: row.bits})
        assert row.target == "activation"
        assert row.delta_loss == pytest.approx(
            float(kl(reference, output).mean()), rel=2e-3, abs=1e-7
        )


def test_more_bits_of_inputs_cost_less(network: Network, halves: tuple[Dataset, Dataset]) -> None:
    chosen, held_out = halves
    calibration = calibrate(network, chosen)
    losses = [
        evaluate(
            network,
            held_out,
            BitAllocation(dict.fromkeys(NAMES), activations=dict.fromkeys(NAMES, bits)),
            "kl",
            calibration=calibration,
        ).loss
        for bits in (2, 4, 8, 16)
    ]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 1e-6 < losses[0]


def test_a_threshold_by_hand_is_used(network: Network, halves: tuple[Dataset, Dataset]) -> None:
    chosen, held_out = halves
    calibration = calibrate(network, chosen)
    top = calibration.layer("2").inputs.amax
    allocation = BitAllocation(dict.fromkeys(NAMES), activations={"2": 8})

    def loss(clipping: Clipping) -> float:
        given = replace(allocation, clipping=clipping)
        return evaluate(network, held_out, given, "kl", calibration=calibration).loss

    at_the_top = loss(Clipping().with_choice("2", "activation", top))
    assert at_the_top == loss(Clipping(activation="max"))
    assert loss(Clipping().with_choice("2", "activation", top / 20)) > 10 * at_the_top


def test_inputs_without_calibration_data_are_refused(
    network: Network, halves: tuple[Dataset, Dataset]
) -> None:
    allocation = BitAllocation(dict.fromkeys(NAMES), activations={"2": 8})
    with pytest.raises(BadInput, match=r"input of 2 is to have 8 bits.*--calibration"):
        evaluate(network, halves[1], allocation)
    config = SensitivityConfig((4,), "kl", 4, target="activation")
    with pytest.raises(BadInput, match="--calibration"):
        measure_exact(network, halves[0], config)


def test_thresholds_never_come_from_what_is_measured(
    network: Network, halves: tuple[Dataset, Dataset]
) -> None:
    data, _ = halves
    allocation = BitAllocation(dict.fromkeys(NAMES), activations={"2": 8})
    unlabelled = replace(data, labels=None)
    part = data.chosen(torch.arange(2, len(data)))
    for calibrated, measured in ((data, data), (unlabelled, data), (part, data), (data, part)):
        with pytest.raises(BadInput, match="that are measured on; give other images"):
            evaluate(network, measured, allocation, calibration=calibrate(network, calibrated))
