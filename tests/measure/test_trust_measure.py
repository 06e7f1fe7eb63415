"""Measured configurations against closed forms, and the predictions beside them."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from small_nets import as_network, random_data, residual_network
from torch import Tensor, nn

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.observe import calibrate
from qcore.data.dataset import Dataset
from qcore.data.source import DataSource
from qcore.errors import BadInput, Stopped
from qcore.graph import chunks
from qcore.graph.network import Network
from qcore.measure.evaluate import evaluate
from qcore.measure.trust import measure_trust
from qcore.measure.trust_draw import Configuration, trust_configurations
from qcore.measure.trusted import TrustCheck, trust_check
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.projected_rows import rows_from_projections
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.table import SensitivityTable

Doubles = npt.NDArray[np.float64]
BITS = (2, 3, 4)
PLAIN = Clipping("max", bias_correction=False)
IMAGES = 12


class Parallel(nn.Module):
    """Linear regression by two layers that read the same numbers: their errors add up."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.one, self.two = nn.Linear(6, 1, bias=False), nn.Linear(6, 1, bias=False)
        self.two.weight.data = self.one.weight.data + 0.02 * torch.randn(1, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        out: Tensor = self.one(x) + self.two(x)
        return out


def table_of(
    network: Network, data: Dataset, config: SensitivityConfig, **more: Any
) -> SensitivityTable:
    """The table as the job makes it."""
    names = [layer.name for layer in network.description.layers]
    projections: Projections | None = None
    if config.method == "projected":
        found: list[Projections] = []
        measure_projected(
            network, data, config, on_chunk=lambda _, c: found.append(c.projections), **more
        )
        (projections,) = found
        rows = rows_from_projections(projections, config)
    else:
        rows = rows_from_pieces(measure_exact(network, data, config, **more).pieces, names, config)
    source = DataSource(data.name)
    return SensitivityTable(
        network.description, source, "0", config, rows, 1.0, None, projections=projections
    )


def of(bits: tuple[int, ...]) -> Configuration:
    return Configuration(tuple(Width(b) for b in bits), float(np.mean(bits)))


def rounded(weight: Doubles, bits: int) -> Doubles:
    step = abs(weight).max() / (2 ** (bits - 1) - 1)
    return np.round(weight / step) * step


@pytest.mark.parametrize("method", ["exact", "projected"])
def test_linear_regression_has_a_closed_form(method: Any) -> None:
    module = Parallel()
    network = as_network(module, 6, 1)
    images = torch.randn(IMAGES, 6, 1, 1, generator=torch.Generator().manual_seed(6))
    data = Dataset("made", images, None, None)
    config = SensitivityConfig(BITS, "mse", IMAGES, method=method, clipping=PLAIN, probes=1)
    configurations = [of(bits) for bits in itertools.product(BITS, repeat=2)]
    pieces = measure_trust(network, data, config, configurations)
    check = trust_check(table_of(network, data, config), configurations, pieces)
    x = images.double().numpy()[..., 0, 0]
    weights = [layer.weight.detach().double().numpy()[0] for layer in (module.one, module.two)]
    energy = ((weights[0] + weights[1]) @ x.T) ** 2
    for point in check.points:
        each = [(rounded(w, b) - w) @ x.T for w, b in zip(weights, point.bits, strict=True)]
        together = ((each[0] + each[1]) ** 2 / energy).mean()
        alone = ((each[0] ** 2 + each[1] ** 2) / energy).mean()
        assert point.measured == pytest.approx(together, rel=1e-4)
        assert point.additive == pytest.approx(alone, rel=1e-4)
        if method == "projected":
            assert point.interacting == pytest.approx(point.measured, rel=1e-4)
        else:
            assert point.interacting is None
    # Nearly equal weights err alike: at equal widths the sum misses half of what is lost.
    same = [p for p in check.points if len(set(p.bits)) == 1]
    assert min(p.additive / p.measured for p in same) < 0.6
    if check.interacting is not None:
        assert check.interacting.rank_correlation == pytest.approx(1)


def test_is_what_evaluate_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_IMAGES", 7)  # 20 images: chunks of 7, 7 and 6
    network, data = residual_network(), random_data(20)
    config = SensitivityConfig((2, 4, 8), "cross_entropy", 20, clipping=PLAIN, seed=3)
    configurations = trust_configurations(network.description, config, count=5)
    pieces = measure_trust(network, data, config, configurations)
    assert len(pieces) == 3 * len(configurations)
    check = trust_check(table_of(network, data, config), configurations, pieces)
    names = [layer.name for layer in network.description.layers]
    for point in check.points:
        bits = dict(zip(names, point.bits, strict=True))
        allocation = BitAllocation(bits, clipping=PLAIN)
        naive = evaluate(network, data, allocation, "cross_entropy")
        assert point.measured == pytest.approx(naive.delta_loss, rel=1e-5, abs=1e-7)
        assert (point.ci_low, point.ci_high) == pytest.approx(
            (naive.delta_low, naive.delta_high), rel=1e-5, abs=1e-7
        )
        assert point.samples == 20


@pytest.mark.parametrize("target", ["weight", "activation", "both"])
@pytest.mark.parametrize("base", [None, 8])
def test_a_single_layer_is_its_row(target: Any, base: int | None) -> None:
    """With bias correction and thresholds of inputs: what the table quantized is measured."""
    torch.manual_seed(2)
    network = as_network(nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten()), 3, 6)
    data = random_data(9, (3, 6, 6), None)
    config = SensitivityConfig((2, 3, 8), "mse", 9, target=target, base=base)
    calibration = calibrate(network, data) if config.rounds_inputs else None
    table = table_of(network, data, config, calibration=calibration)
    configurations = trust_configurations(network.description, config)
    pieces = measure_trust(network, data, config, configurations, calibration=calibration)
    check = trust_check(table, configurations, pieces)
    assert check.points
    for point in check.points:
        assert point.measured == pytest.approx(point.additive, rel=1e-6, abs=1e-9)
        if base is not None and target == "both" and point.bits == (8,):
            assert point.measured == 0


def test_against_a_base_the_others_stay_there() -> None:
    network, data = residual_network(), random_data(8)
    config = SensitivityConfig((2, 8), "kl", 8, base=8)
    calibration = calibrate(network, data)
    table = table_of(network, data, config, calibration=calibration)
    configurations = [of((2, 8, 8, 8)), of((8, 8, 2, 8)), of((8, 8, 8, 8))]
    pieces = measure_trust(network, data, config, configurations, calibration=calibration)
    points = trust_check(table, configurations, pieces).points
    for point in points:
        assert point.measured == pytest.approx(point.additive, rel=1e-5, abs=1e-9)
    assert points[2].measured == 0


def test_known_pieces_are_not_measured_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_CHUNK_IMAGES", 7)
    network, data = residual_network(), random_data(20)
    config = SensitivityConfig((2, 4, 8), "kl", 20)
    configurations = trust_configurations(network.description, config, count=4)
    seen: list[float] = []
    whole = measure_trust(network, data, config, configurations)
    first = whole[:5]
    rest = measure_trust(
        network,
        data,
        config,
        configurations,
        done={piece.key for piece in first},
        on_progress=lambda fraction, _: seen.append(fraction),
    )
    assert (*first, *rest) == whole
    assert seen[-1] == 1
    assert sorted(seen) == seen
    partial = trust_check(table_of(network, data, config), configurations, first)
    assert [p.samples for p in partial.points] == [14, 7, 7, 7]


def test_stops_and_refuses() -> None:
    network, data = residual_network(), random_data(4)
    config = SensitivityConfig((2, 8), "kl", 4)
    configurations = trust_configurations(network.description, config, count=2)
    with pytest.raises(Stopped):
        measure_trust(network, data, config, configurations, should_stop=lambda: True)
    broken = Dataset("broken", torch.full((4, 3, 8, 8), torch.nan), None, None)
    plain = SensitivityConfig((2, 8), "kl", 4, clipping=PLAIN)
    with pytest.raises(BadInput, match="broken is NaN"):
        measure_trust(network, broken, plain, configurations)
    table = table_of(network, data, config)
    pieces = measure_trust(network, data, config, configurations)
    with pytest.raises(ValueError, match="no row of stem at 5 bits"):
        trust_check(table, [of((5, 2, 2, 2))] * 2, pieces)
    assert trust_check(table, configurations, ()) == TrustCheck(
        "nats", True, pytest.approx(np.log(5) / 2), ()
    )


def test_exact_cells_of_a_refined_table_stand_for_the_projected_ones() -> None:
    network, data = residual_network(), random_data(8)
    config = SensitivityConfig((2, 8), "kl", 8, method="projected", probes=4)
    table = table_of(network, data, config)
    configurations = [of((2, 8, 2, 8))]
    pieces = measure_trust(network, data, config, configurations)
    (plain,) = trust_check(table, configurations, pieces).points
    refined = tuple(
        replace(row, delta_loss=row.delta_loss + 0.125, method="exact")
        if (row.layer, row.bits) == ("stem", 2)
        else row
        for row in table.rows
    )
    other = replace(table, config=replace(config, refine=5), rows=refined)
    (point,) = trust_check(other, configurations, pieces).points
    assert table.projections is not None
    assert plain.interacting == table.projections.predicted((2, 8, 2, 8)).mean
    assert plain.additive == pytest.approx(table.projections.additive((2, 8, 2, 8)).mean)
    assert point.additive == pytest.approx(plain.additive + 0.125)
    assert point.interacting == pytest.approx(plain.interacting + 0.125)
