"""Exact ΔL against an implementation without any cleverness."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import special, stats
from small_nets import as_network, random_data, residual_network, small_residual
from torch import Tensor, nn

from qcore.calibrate.clipping import Clipping
from qcore.data.dataset import Dataset
from qcore.errors import BadInput
from qcore.graph import chunks
from qcore.quantize.symmetric import mse_scale
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import ExactRun, measure_exact
from qcore.sensitivity.image_chunks import split_chunks
from qcore.sensitivity.objective import loss_per_image
from qcore.sensitivity.objectives import Objective
from qcore.sensitivity.pieces import rows_from_pieces

BITS = (2, 4, 8)
PLAIN = Clipping(bias_correction=False)
LAYERS = ("stem", "first", "second", "head")


def rows_of(run: ExactRun, bits: tuple[int, ...] = BITS) -> dict[tuple[str, int], object]:
    rows = rows_from_pieces(run.pieces, LAYERS, SensitivityConfig(bits, "kl", 1))
    return {(row.layer, row.bits): row for row in rows}


def fake_quantize(weight: Tensor, bits: int) -> Tensor:
    """torch's own kernel, one scale per output channel."""
    scale = mse_scale(weight.flatten(1), bits).flatten()
    n = 2 ** (bits - 1) - 1
    zero = torch.zeros_like(scale, dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(weight, scale, zero, 0, -n, n)


def naive_losses(logits: Tensor, reference: Tensor, labels: Tensor, objective: str) -> np.ndarray:
    """Per-image loss in numpy and scipy, float64."""
    p, q = (special.softmax(t.double().numpy(), axis=1) for t in (reference, logits))
    if objective == "kl":
        return stats.entropy(p, q, axis=1)
    return -np.log(q[np.arange(len(q)), labels.numpy()])


@pytest.mark.parametrize("objective", ["kl", "cross_entropy"])
def test_equals_whole_runs_of_changed_copies(
    objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_IMAGES", 7)  # 20 images: chunks of 7, 7 and 6
    folded = small_residual()  # fold by hand, so that module weights are what is quantized
    for conv, norm in ((folded.stem, folded.norm), (folded.second, folded.norm2)):
        fused = torch.nn.utils.fuse_conv_bn_eval(conv, norm)
        conv.weight.data, conv.bias = fused.weight.data, nn.Parameter(fused.bias.data)
    folded.norm, folded.norm2 = nn.Identity(), nn.Identity()
    data = random_data(20)
    network = residual_network()
    run = measure_exact(network, data, SensitivityConfig(BITS, objective, 20, clipping=PLAIN))
    rows = rows_of(run)
    assert len(rows) == len(LAYERS) * len(BITS)
    assert len(run.pieces) == 3 * len(rows)
    with torch.no_grad():
        reference = folded(data.images)
        for name in LAYERS:
            for bits in BITS:
                changed = copy.deepcopy(folded)
                part = changed.get_submodule(name)
                part.weight.data = fake_quantize(part.weight.data, bits)
                logits = changed(data.images)
                delta = naive_losses(logits, reference, data.labels, objective)
                delta = delta - naive_losses(reference, reference, data.labels, objective)
                row = rows[name, bits]
                assert row.delta_loss == pytest.approx(delta.mean(), abs=1e-5)
                interval = stats.t.interval(0.95, 19, delta.mean(), stats.sem(delta))
                assert (row.ci_low, row.ci_high) == pytest.approx(interval, abs=1e-5)
                assert row.samples == 20
    worst = max(row.delta_loss for row in rows.values())
    assert worst > 0.01  # the comparison is not one of zeros


def test_linear_layer_closed_form() -> None:
    """Two inputs, two classes: every number on paper."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    module[1].weight.data = torch.tensor([[1.0, 0.4], [0.3, -1.0]])
    network = as_network(nn.Sequential(nn.AvgPool2d(1), *module), 2, 1)
    data = Dataset("two", torch.tensor([[1.0, 0.0], [1.0, 2.0]]).reshape(2, 2, 1, 1), None, None)
    run = measure_exact(network, data, SensitivityConfig((2,), "kl", 2, clipping=PLAIN))
    # 2 bits: levels -s, 0, s. [1, .4]: s = .7 has error .18, s = 1 has .16. [.3, -1]: s = 1: .09.
    weight, rounded = np.array([[1, 0.4], [0.3, -1]]), np.array([[1, 0], [0, -1]])
    images = data.images.reshape(2, 2).numpy()
    p, q = (special.softmax(images @ w.T, axis=1) for w in (weight, rounded))
    expected = special.rel_entr(p, q).sum(1).mean()
    (piece,) = run.pieces
    assert piece.total / piece.samples == pytest.approx(expected, rel=1e-5)


def test_kl_known_answer() -> None:
    reference = torch.tensor([[float(np.log(3)), 0.0]])
    loss = loss_per_image(torch.zeros(1, 2), reference, None, "kl")
    assert loss.item() == pytest.approx(0.75 * np.log(1.5) + 0.25 * np.log(0.5))
    with pytest.raises(ValueError, match="labels"):
        loss_per_image(torch.zeros(1, 2), reference, None, "cross_entropy")


def test_seed_and_limit_choose_the_images() -> None:
    network, data = residual_network(), random_data(20)
    chosen = {
        seed: torch.cat(split_chunks(network, data, SensitivityConfig((4,), "kl", 12, seed)))
        for seed in (0, 1)
    }
    for indices in chosen.values():
        assert len(set(indices.tolist())) == 12
        assert set(indices.tolist()) <= set(range(20))
    assert set(chosen[0].tolist()) != set(chosen[1].tolist())
    few = SensitivityConfig((4,), "cross_entropy", 12, seed=1, clipping=PLAIN)
    picked = Dataset("picked", data.images[chosen[1]], data.labels[chosen[1]], None)
    ours = measure_exact(network, data, few)
    theirs = measure_exact(network, picked, replace(few, seed=5))
    for one, other in zip(ours.pieces, theirs.pieces, strict=True):
        assert one.total == pytest.approx(other.total, rel=1e-4, abs=1e-6)
    assert ours.pieces != measure_exact(network, data, replace(few, seed=0)).pieces


def test_gains_stay_negative() -> None:
    """A weight whose rounding helps: labels ask for class 1, and 0.3 in favour of 0 becomes 0."""
    module = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    module[1].weight.data = torch.tensor([[1.0, 0.3], [1.0, -0.3]])
    network = as_network(module, 2, 1)
    images = torch.tensor([[0.0, 1.0], [0.0, 2.0]]).reshape(2, 2, 1, 1)
    data = Dataset("wrong", images, torch.tensor([1, 1]), None)
    config = SensitivityConfig((2,), "cross_entropy", 2, clipping=PLAIN)
    run = measure_exact(network, data, config)
    (row,) = rows_from_pieces(run.pieces, ["1"], config)
    losses = [np.log(2) - np.log1p(np.exp(0.6 * x)) for x in (1.0, 2.0)]
    assert row.delta_loss == pytest.approx(np.mean(losses), rel=1e-5)
    assert row.delta_loss < 0
    assert row.ci_low < row.delta_loss < row.ci_high


def test_output_that_is_not_finite_is_refused() -> None:
    data = random_data(20)
    data.images[3] = 1e38
    with pytest.raises(BadInput, match="NaN or infinite"):
        measure_exact(residual_network(), data, SensitivityConfig((4,), "kl", 20))
