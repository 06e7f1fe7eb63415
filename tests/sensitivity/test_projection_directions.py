"""Directions at the output: their second moment, summed over all signs, is the curvature."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd.functional import hessian

from qcore.graph.run import Output, as_tuple
from qcore.sensitivity.objective import loss_per_image
from qcore.sensitivity.objectives import Objective
from qcore.sensitivity.projection.directions import draw_directions, label_direction
from qcore.sensitivity.projection.measure import chunk_generator


def moment_over_all_signs(
    outputs: tuple[Tensor, ...], objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> Tensor:
    """E[u u'] of one image: every combination of signs takes the place of the draws once."""
    size = sum(y[0].numel() for y in outputs)
    every = torch.tensor(list(itertools.product((0, 1), repeat=size)), dtype=torch.int8)
    monkeypatch.setattr(torch, "randint", lambda *args, **kwargs: every[None])
    drawn = draw_directions(outputs, objective, len(every), torch.Generator())
    flat = torch.stack([torch.cat([u.flatten() for u in one]) for one in drawn]).double()
    return flat.T @ flat / len(every)


@pytest.mark.parametrize("objective", ["kl", "cross_entropy", "mse"])
def test_second_moment_is_the_hessian_of_the_loss(
    objective: Objective, monkeypatch: pytest.MonkeyPatch
) -> None:
    logits = torch.randn(1, 4, generator=torch.Generator().manual_seed(1)) * 2
    labels = torch.tensor([2])

    def loss(z: Tensor) -> Tensor:
        return loss_per_image(z, logits, labels, objective).sum()

    expected = hessian(loss, logits)[0, :, 0].double()
    found = moment_over_all_signs((logits,), objective, monkeypatch)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_two_outputs_share_the_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(2)
    outputs = torch.randn(1, 2, 2, generator=generator), torch.randn(1, 3, generator=generator)

    def loss(flat: Tensor) -> Tensor:
        output: Output = (flat[:4].reshape(1, 2, 2), flat[4:].reshape(1, 3))
        return loss_per_image(output, outputs, None, "mse").sum()

    flat = torch.cat([y.flatten() for y in outputs])
    found = moment_over_all_signs(outputs, "mse", monkeypatch)
    np.testing.assert_allclose(found, hessian(loss, flat).double(), atol=1e-6)


def test_an_output_of_zeros_has_the_squared_error() -> None:
    (direction,) = draw_directions(torch.zeros(1, 3), "mse", 1, torch.Generator().manual_seed(1))
    np.testing.assert_allclose(direction[0].abs(), 2**0.5, rtol=1e-6)


def test_label_direction_is_the_gradient_of_cross_entropy() -> None:
    logits = torch.randn(3, 5, generator=torch.Generator().manual_seed(3)).requires_grad_()
    labels = torch.tensor([4, 0, 2])
    loss = loss_per_image(logits, logits.detach(), labels, "cross_entropy").sum()
    (expected,) = torch.autograd.grad(loss, logits)
    np.testing.assert_allclose(label_direction(logits, labels)[0], expected, atol=1e-6)


def test_signs_are_fair_and_images_differ() -> None:
    draws = draw_directions(torch.ones(500, 8), "mse", 2, torch.Generator().manual_seed(4))
    signs = torch.stack([u.sign() for (u,) in draws])
    assert signs.abs().min() == 1
    assert abs(float(signs.mean())) < 0.05
    assert abs(float((signs[0] * signs[1]).mean())) < 0.05
    assert abs(float((signs[:, 1:] * signs[:, :-1]).mean())) < 0.05


def test_chunks_and_seeds_draw_differently() -> None:
    outputs = [
        as_tuple(draw_directions(torch.ones(4, 8), "mse", 1, chunk_generator(seed, number))[0])[0]
        for seed, number in ((0, 0), (0, 1), (1, 0), (0, 0))
    ]
    assert torch.equal(outputs[0], outputs[3])
    assert not torch.equal(outputs[0], outputs[1])
    assert not torch.equal(outputs[0], outputs[2])
    assert not torch.equal(outputs[1], outputs[2])
