"""Two linear layers and two classes: all that is measured has a closed form."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
import torch
from small_nets import as_network
from torch import nn

from qcore.calibrate.clipping import Clipping
from qcore.data.dataset import Dataset
from qcore.graph.network import Network
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.projection.projections import Projections

Doubles = npt.NDArray[np.float64]

BITS = (3, 4, 8)
PLAIN = Clipping("max", bias_correction=False)
IMAGES = 12


def two_layers() -> tuple[Network, Dataset, list[Doubles], Doubles]:
    """The network, its data, its two weights and the images as rows of numbers."""
    torch.manual_seed(5)
    layers = nn.Linear(6, 4, bias=False), nn.Linear(4, 2, bias=False)
    network = as_network(nn.Sequential(nn.Flatten(), *layers), 6, 1)
    images = torch.randn(IMAGES, 6, 1, 1, generator=torch.Generator().manual_seed(6))
    weights = [layer.weight.detach().double().numpy() for layer in layers]
    return network, Dataset("made", images, None, None), weights, images.double().numpy()[..., 0, 0]


def margins(weights: list[Doubles], images: Doubles) -> Doubles:
    """Logit of the first class minus that of the second, (images,)."""
    logits = images @ weights[0].T @ weights[1].T
    return logits[:, 0] - logits[:, 1]


def rounded(weight: Doubles, bits: int) -> Doubles:
    step = abs(weight).max(1, keepdims=True) / (2 ** (bits - 1) - 1)
    return np.round(weight / step) * step


def changed(weights: list[Doubles], layer: int, bits: int) -> list[Doubles]:
    return [rounded(w, bits) if i == layer else w for i, w in enumerate(weights)]


def test_exact_is_the_divergence_of_two_coins() -> None:
    network, data, weights, images = two_layers()
    config = SensitivityConfig(BITS, "kl", IMAGES, clipping=PLAIN)
    names = [layer.name for layer in network.description.layers]
    rows = rows_from_pieces(measure_exact(network, data, config).pieces, names, config)
    p = 1 / (1 + np.exp(-margins(weights, images)))
    for row in rows:
        there = changed(weights, names.index(row.layer), row.bits)
        q = 1 / (1 + np.exp(-margins(there, images)))
        divergence = p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))
        assert row.delta_loss == pytest.approx(divergence.mean(), rel=1e-3, abs=1e-9)


def test_projections_have_the_second_moment_of_two_coins() -> None:
    """Half the mean square of a projection is 1/2 p (1 - p) (change of the margin)^2; that of both
    layers together has the cross term, which the sum of the two alone lacks."""
    network, data, weights, images = two_layers()
    config = SensitivityConfig(BITS, "kl", IMAGES, method="projected", clipping=PLAIN, probes=1500)
    found: list[Projections] = []
    measure_projected(
        network, data, config, on_chunk=lambda _, chunk: found.append(chunk.projections)
    )
    (projections,) = found
    before = margins(weights, images)
    spread = 0.5 / (1 + np.exp(-before)) / (1 + np.exp(before))
    for bits in BITS:
        moves = [margins(changed(weights, layer, bits), images) - before for layer in (0, 1)]
        alone = [float((spread * move**2).mean()) for move in moves]
        together = float((spread * (moves[0] + moves[1]) ** 2).mean())
        # Of 1500 draws, whose squares have a relative deviation below sqrt(2): 4 deviations.
        within = 4 * np.sqrt(2 / 1500)
        assert projections.predicted((bits, None)).mean == pytest.approx(alone[0], rel=within)
        assert projections.predicted((None, bits)).mean == pytest.approx(alone[1], rel=within)
        assert projections.predicted((bits, bits)).mean == pytest.approx(together, rel=within)
        assert projections.additive((bits, bits)).mean == pytest.approx(sum(alone), rel=within)
        assert abs(together / sum(alone) - 1) > within  # else the test could not tell them apart
