"""Projections of single images and kernels against one backward pass for each of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from projection_nets import Attention, Convolutions, Dimensions, Shared, Transposed, TwoOutputs
from small_nets import as_network
from torch import Tensor, nn

from qcore.graph.build import build_network
from qcore.graph.kernels import to_kernels
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.graph.run import Changes, as_tuple
from qcore.quantize.layer_weights import quantize_weight
from qcore.sensitivity.objectives import Objective
from qcore.sensitivity.projection.chunk import ChunkProjections, project_chunk
from qcore.sensitivity.projection.directions import Direction, draw_directions
from qcore.sensitivity.projection.errors import LayerErrors

BITS, IMAGES = (2, 5), 4


@cache
def network_of(make: type[nn.Module], size: int) -> Network:
    """The same for all tests of this file."""
    torch.manual_seed(1)
    return as_network(make().eval(), size=size)


def images_of(count: int, size: int) -> Tensor:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def errors_of(network: Network, corrected: bool) -> tuple[LayerErrors, dict[str, Tensor] | None]:
    generator = torch.Generator().manual_seed(9)
    means = {
        la.name: torch.randn(la.groups, la.weight_count // la.kernels, generator=generator)
        for la in network.description.layers
    }

    def weight_at(layer: Layer, bits: int) -> Tensor:
        return quantize_weight(network.weight(layer), layer, bits)

    given = means if corrected else None
    return LayerErrors(network, BITS, weight_at, means=given), given


def chunk(
    network: Network,
    images: Tensor,
    errors: LayerErrors,
    objective: Objective = "kl",
    generator: torch.Generator | None = None,
    position: int = 0,
) -> ChunkProjections:
    drawn = generator or torch.Generator().manual_seed(3)
    return project_chunk(
        network, network.runner(), images, None, objective, errors, drawn, position=position
    )


def by_hand(
    network: Network, image: Tensor, direction: Direction, layer: Layer, patch: Tensor | None
) -> Tensor:
    """(kernels, bits) of one image and direction, by autograd on the layer's weight and bias."""
    weight = network.weight(layer).clone().requires_grad_()
    shift = torch.zeros(layer.kernels, requires_grad=True)
    changes = Changes({layer.weight_key: weight}, shifts=dict.fromkeys(layer.nodes, shift))
    outputs = as_tuple(network.runner()(image, changes))
    along = sum((y * u).sum() for y, u in zip(outputs, direction, strict=True))
    slope, of_bias = torch.autograd.grad(along, [weight, shift])
    found = []
    for bits in BITS:
        stored = network.weight(layer)
        error = to_kernels(quantize_weight(stored, layer, bits) - stored, layer)
        moved = (to_kernels(slope, layer) * error).sum(1)
        if patch is not None:
            each = patch.repeat_interleave(layer.kernels // layer.groups, 0)
            moved = moved - of_bias * (error * each).sum(1)
        found.append(moved)
    return torch.stack(found, 1)


CASES: dict[str, tuple[type[nn.Module], Objective, int]] = {
    "convolutions": (Convolutions, "kl", 12),
    "large maps": (Convolutions, "kl", 40),
    "transposed": (Transposed, "kl", 8),
    "dimensions": (Dimensions, "kl", 8),
    "shared": (Shared, "kl", 8),
    "attention": (Attention, "kl", 8),
    "two outputs": (TwoOutputs, "mse", 8),
}


@pytest.mark.parametrize("corrected", [False, True], ids=["plain", "corrected"])
@pytest.mark.parametrize("name", CASES)
def test_every_kernel_of_every_image(name: str, corrected: bool) -> None:
    make, objective, size = CASES[name]
    network, images = network_of(make, size), images_of(IMAGES, size)
    errors, means = errors_of(network, corrected)
    found = chunk(network, images, errors, objective)
    draws = draw_directions(
        network.runner()(images), objective, 2, torch.Generator().manual_seed(3)
    )
    assert found.projections.weights is not None
    assert found.kernels is not None
    for place, layer in enumerate(network.description.layers):
        patch = None if means is None else means[layer.name]
        expected = torch.stack(
            [
                torch.stack(
                    [
                        by_hand(
                            network,
                            images[i : i + 1],
                            tuple(u[i : i + 1] for u in direction),
                            layer,
                            patch,
                        )
                        for i in range(IMAGES)
                    ]
                )
                for direction in draws
            ]
        ).double()
        actual = found.projections.weights[:, :, place]
        scale = float(expected.abs().max())
        assert scale > 0, layer.name
        np.testing.assert_allclose(actual, expected.sum(2).numpy(), atol=1e-5 * scale * 10)
        losses = 0.5 * expected.square().mean(0)
        rows = found.kernels.layer_numbers == found.kernels.layers.index(layer.name)
        for half in (0, 1):
            own = losses[half::2]
            top = float(losses.max())
            np.testing.assert_allclose(
                found.kernels.totals[half, rows], own.sum(0).numpy(), atol=1e-4 * top
            )
            np.testing.assert_allclose(
                found.kernels.squares[half, rows], own.square().sum(0).numpy(), atol=1e-4 * top**2
            )


@pytest.mark.parametrize("make", [Convolutions, Attention])
def test_chunks_joined_are_the_whole(make: type[nn.Module]) -> None:
    network, images = network_of(make, 12), images_of(7, 12)
    errors, _ = errors_of(network, True)
    whole = chunk(network, images, errors)
    generator = torch.Generator().manual_seed(3)
    parts = [
        chunk(network, images[start:end], errors, generator=generator, position=start)
        for start, end in ((0, 3), (3, 4), (4, 7))
    ]
    joined = parts[0].joined(parts[1]).joined(parts[2])
    for one, other in (
        (whole.projections.weights, joined.projections.weights),
        (whole.kernels.totals, joined.kernels.totals),  # type: ignore[union-attr]
    ):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5 * np.abs(one).max())
    assert joined.kernels is not None
    assert joined.kernels.counts.tolist() == [4, 3]


@pytest.mark.parametrize("make", [Convolutions, Attention])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_copies_that_fill_a_fixed_batch_do_not_count(make: type[nn.Module], count: int) -> None:
    network, images = network_of(make, 12), images_of(count, 12)
    fixed = replace(network, description=replace(network.description, batch=4))
    errors, _ = errors_of(network, True)
    free, filled = chunk(network, images, errors), chunk(fixed, images, errors)
    expected = free.projections.weights
    assert expected is not None
    np.testing.assert_allclose(
        filled.projections.weights, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.parametrize("make", [Shared, Attention])
def test_inputs_of_single_images(make: type[nn.Module]) -> None:
    """Shared layers add up their uses; only the edge that enters the layer counts."""
    network, images = network_of(make, 8), images_of(IMAGES, 8)

    def rounding(values: Tensor) -> Tensor:
        return (values * 3).round() / 3

    errors = LayerErrors(network, (3,), input_at=lambda layer, bits: rounding)
    found = chunk(network, images, errors)
    assert found.kernels is None
    assert found.projections.inputs is not None
    draws = draw_directions(network.runner()(images), "kl", 2, torch.Generator().manual_seed(3))
    for place, layer in enumerate(network.description.layers):
        for i in range(IMAGES):

            def logits(t: Tensor, layer: Layer = layer, i: int = i) -> Tensor:
                def entering(x: Tensor) -> Tensor:
                    return x + t * (rounding(x.detach()) - x.detach())

                changes = Changes(entering=dict.fromkeys(layer.nodes, entering))
                output = network.runner()(images[i : i + 1], changes)
                assert isinstance(output, Tensor)
                return output

            _, slope = torch.func.jvp(logits, (torch.zeros(()),), (torch.ones(()),))
            for probe, (u,) in enumerate(draws):
                expected = float((u[i] * slope[0]).sum())
                actual = found.projections.inputs[probe, i, place, 0]
                assert actual == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_tensors_made_in_inference_mode() -> None:
    network, images = network_of(Convolutions, 12), images_of(2, 12)
    errors, _ = errors_of(network, False)
    expected = chunk(network, images, errors).projections.weights
    with torch.inference_mode():
        tensors = {key: tensor.clone() for key, tensor in network.tensors.items()}
    copy = replace(network, tensors=tensors)
    errors, _ = errors_of(copy, False)
    np.testing.assert_array_equal(chunk(copy, images, errors).projections.weights, expected)


def test_a_network_of_two_inputs() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right, self.head = nn.Linear(3, 4), nn.Linear(5, 4), nn.Linear(4, 2)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            out: Tensor = self.head(torch.tanh(self.left(a) + self.right(b)))
            return out

    torch.manual_seed(1)
    network = build_network(Two().eval(), "two", ((3,), (5,)), None)
    errors, _ = errors_of(network, False)
    images = (torch.randn(3, 3), torch.randn(3, 5))
    found = project_chunk(
        network, network.runner(), images, None, "kl", errors, torch.Generator().manual_seed(3)
    ).projections.weights
    assert found is not None
    assert (np.abs(found).max((0, 1, 3)) > 0).all()
