"""0 bits in sensitivity runs: against networks with those weights zeroed by hand."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_nets import as_network, random_data, small_residual
from torch import nn

from qcore.calibrate.clipping import Clipping
from qcore.cli.values import bits as bits_option
from qcore.errors import BadInput
from qcore.measure.trust_draw import trust_configurations
from qcore.sensitivity.config import SensitivityConfig, check_config
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.kernel_estimates import kernel_estimates
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.projected_rows import rows_from_projections, rows_of_kernels
from qcore.sensitivity.projection.chunk import ChunkProjections
from qcore.sensitivity.projection.kernel_sums import KernelSums
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.ranking import ranking
from qcore.sensitivity.table import SensitivityTable

PLAIN = Clipping(bias_correction=False)


def test_exact_is_the_loss_of_a_network_with_zeros() -> None:
    module, data = small_residual(), random_data(12)
    network = as_network(copy.deepcopy(module))
    config = SensitivityConfig((0, 4), "kl", 12, clipping=PLAIN)
    names = [layer.name for layer in network.description.layers]
    rows = rows_from_pieces(measure_exact(network, data, config).pieces, names, config)
    with torch.no_grad():
        p = module(data.images).double().log_softmax(1)
        for name in names:
            pruned = copy.deepcopy(module)
            getattr(pruned, name).weight.data.zero_()  # the batch norm behind it stays
            q = pruned(data.images).double().log_softmax(1)
            loss = (p.exp() * (p - q)).sum(1).mean()
            (row,) = (row for row in rows if row.layer == name and row.bits == 0)
            assert row.delta_loss == pytest.approx(float(loss), rel=1e-4)


@pytest.mark.parametrize("corrected", [False, True])
def test_projected_equals_exact_where_the_second_order_is_all(corrected: bool) -> None:
    """Squared error of a linear model; its kernel is the whole layer."""
    torch.manual_seed(2)
    network = as_network(nn.Sequential(nn.Flatten(), nn.Linear(16, 1)), 4, 2)
    data = random_data(6, (4, 2, 2), classes=None)
    clipping = Clipping(bias_correction=corrected)
    config = SensitivityConfig((0, 3), "mse", 6, method="projected", clipping=clipping)
    found: list[ChunkProjections] = []
    measure_projected(network, data, config, on_chunk=lambda _, chunk: found.append(chunk))
    rows = rows_from_projections(found[0].projections, config)
    kernels = rows_of_kernels(kernel_estimates(_sums(found[0])), config)
    weight = network.weight(network.description.layers[0])
    output = data.images.flatten(1).double() @ weight.double().T
    bias = network.runner()(data.images)
    assert isinstance(bias, torch.Tensor)
    error = output - output.mean(0) if corrected else output  # of the pruned layer
    loss = float((error.square().sum(1) / bias.double().square().sum(1)).mean())
    assert [row.bits for row in rows] == [row.bits for row in kernels] == [0, 3]
    assert rows[0].delta_loss == pytest.approx(loss, rel=1e-4)
    assert kernels[0].raw == pytest.approx(loss, rel=1e-4)
    assert _sums(found[0]).energies[0, 0] == pytest.approx(float(weight.double().square().sum()))


def _sums(chunk: ChunkProjections) -> KernelSums:
    assert chunk.kernels is not None
    return chunk.kernels


def test_what_is_kept_of_pruning_comes_back() -> None:
    network, data = as_network(small_residual()), random_data(6)
    config = SensitivityConfig((0, 2, 16), "kl", 6, method="projected")
    found: list[ChunkProjections] = []
    measure_projected(network, data, config, on_chunk=lambda _, chunk: found.append(chunk))
    sums, projections = _sums(found[0]), found[0].projections
    again = KernelSums.from_bytes(sums.to_bytes())
    np.testing.assert_array_equal(again.totals, sums.totals)
    assert again.bits == (0, 2, 16)
    assert Projections.from_json(projections.to_json()).bits == (0, 2, 16)
    rows = rows_from_projections(projections, config)
    alone = projections.predicted([0, None, None, None])
    assert alone.mean == pytest.approx(rows[0].delta_loss, rel=1e-5)
    assert rows[0].delta_loss > rows[1].delta_loss > 0


def test_a_table_with_0_bits_survives_a_file_and_is_ranked(table: SensitivityTable) -> None:
    known = [replace(row, bits=0, delta_loss=1.0) for row in table.rows if row.bits == 2]
    config = replace(table.config, bits=(0, 2, 4))
    rows = tuple(
        row for two, zero in zip(table.rows[::2], known, strict=True) for row in (zero, two)
    )
    rows += tuple(row for row in table.rows if row.bits == 4)
    pruned = replace(table, config=config, rows=rows)
    again = SensitivityTable.from_json(pruned.to_json())
    assert again == pruned
    by_layer = {one.layer: one.value for one in ranking(again, 2, "step")}
    for layer in table.network.layers:  # what pruning adds for all the bytes of the 2-bit layer
        two = table.row(layer.name, 2)
        assert two is not None
        stored = -(-layer.weight_count * 2 // 8) / 1000
        assert by_layer[layer.name] == pytest.approx((1 - two.delta_loss) / stored)


WEIGHTS = SensitivityConfig((0, 2, 4), "kl", 5, method="projected")


@pytest.mark.parametrize(
    "change",
    [
        {"method": "hessian"},
        {"method": "noise"},
        {"target": "activation"},
        {"target": "both"},
        {"target": "both", "method": "exact"},
    ],
    ids=["hessian", "noise", "inputs", "both", "both, exactly"],
)
def test_0_bits_are_refused_where_nothing_is_pruned(change: dict[str, str]) -> None:
    check_config(WEIGHTS)
    check_config(replace(WEIGHTS, method="exact", base=8, tolerance=0.1))
    with pytest.raises(BadInput, match="0 bits prune weights"):
        check_config(replace(WEIGHTS, **change))  # type: ignore[arg-type]


def test_pruned_inputs_are_refused() -> None:
    asked = SensitivityConfig((2, 4), "kl", 5, target="both", activation_bits=(0, 8))
    with pytest.raises(BadInput, match="inputs cannot be pruned"):
        check_config(asked)


@pytest.mark.parametrize("widths", [(1, 2), (0, 17), (0, 0), (-1, 2)])
def test_other_widths_are_refused(widths: tuple[int, ...]) -> None:
    written = {**WEIGHTS.to_json(), "bits": list(widths)}
    with pytest.raises(ValueError, match="bits"):
        SensitivityConfig.from_json(written)


def test_the_configuration_passes_through_json_and_the_command_line() -> None:
    assert SensitivityConfig.from_json(WEIGHTS.to_json()) == WEIGHTS
    read: Callable[[str], tuple[int, ...]] = bits_option
    assert read("0,2,4") == WEIGHTS.bits


def test_a_trust_check_prunes_no_layer() -> None:
    network = as_network(small_residual()).description
    config = SensitivityConfig((0, 2, 4, 8), "kl", 5)
    plain = replace(config, bits=(2, 4, 8))
    assert trust_configurations(network, config) == trust_configurations(network, plain)
    alone = trust_configurations(network, replace(config, bits=(0,)))
    assert [{width.bits for width in one.widths} for one in alone] == [{0}]
