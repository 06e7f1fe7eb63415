"""Projected tables of every width of weights with every width of inputs."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from small_nets import random_data, residual_network

from qcore.agents.axes import option_axes
from qcore.allocate.budget import table_problem
from qcore.allocate.interval import predicted_intervals
from qcore.allocate.solve import solve_with_interactions
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.observe import calibrate
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.measure.trust_draw import trust_configurations
from qcore.measure.trust_point import TrustPiece
from qcore.measure.trusted import trust_check
from qcore.sensitivity.compare import agreement, common_cells
from qcore.sensitivity.config import SensitivityConfig, Width, check_config
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.projected_rows import rows_from_projections
from qcore.sensitivity.projection.chunk import ChunkProjections
from qcore.sensitivity.ranking import ranking
from qcore.sensitivity.table import SensitivityTable

CONFIG = SensitivityConfig(
    (3, 5, 8),
    "kl",
    24,
    method="projected",
    target="both",
    clipping=Clipping(bias_correction=False),
    activation_bits=(3, 8),
    probes=16,
)


@cache
def tables() -> tuple[SensitivityTable, SensitivityTable]:
    """Projected and exact, of the same question."""
    network, data = residual_network(), random_data(CONFIG.images)
    needed = calibrate(network, data)
    chunks: list[ChunkProjections] = []
    measure_projected(
        network, data, CONFIG, calibration=needed, on_chunk=lambda _, chunk: chunks.append(chunk)
    )
    (found,) = chunks
    exact = replace(CONFIG, method="exact", probes=None)
    run = measure_exact(network, data, exact, calibration=needed)
    names = [layer.name for layer in network.description.layers]
    facts = (network.description, DataSource(data.name), data.fingerprint())
    rows = rows_from_projections(found.projections, CONFIG)
    return (
        SensitivityTable(*facts, CONFIG, rows, 1.0, 0.1, projections=found.projections),
        SensitivityTable(*facts, exact, rows_from_pieces(run.pieces, names, exact), 1.0, 0.1),
    )


def test_a_row_for_every_pair_is_half_the_mean_square_of_both_together() -> None:
    table, _ = tables()
    known = table.projections
    assert known is not None
    assert known.weights is not None
    assert known.inputs is not None
    assert table.complete
    assert len(table.rows) == 4 * 6
    for place, layer in enumerate(table.network.layers):
        for width in CONFIG.widths:
            assert width.activation_bits is not None
            row = table.row(layer.name, width.bits, width.activation_bits)
            assert row is not None
            assert row.samples == CONFIG.images
            w, a = (CONFIG.bits.index(b) for b in (width.bits, width.activation_bits))
            both = known.weights[:, :, place, w].astype(float) + known.inputs[:, :, place, a]
            assert row.delta_loss == pytest.approx(float(np.square(both).mean()) / 2)


def test_the_order_is_that_of_exact_values() -> None:
    cells = common_cells(*tables())
    assert len(cells) == 24
    found = agreement(cells).spearman
    assert found is not None
    assert found > 0.95


def test_the_same_widths_make_the_same_rows_as_without_pairs() -> None:
    table, _ = tables()
    assert table.projections is not None
    plain = replace(CONFIG, activation_bits=())
    alone = {(r.layer, r.width): r for r in rows_from_projections(table.projections, plain)}
    shared = [row for row in table.rows if row.activation_bits == row.bits]
    assert len(shared) == 8
    for row in shared:
        assert row.delta_loss == pytest.approx(alone[row.layer, row.width].delta_loss)


def test_to_json_and_back() -> None:
    table, _ = tables()
    again = SensitivityTable.from_json(json.loads(json.dumps(table.to_json())))
    assert again.config == table.config
    assert again.rows == table.rows
    known, read = table.projections, again.projections
    assert known is not None
    assert read is not None
    pairs = [(w.bits, w.activation_bits) for w in CONFIG.widths]
    np.testing.assert_array_equal(read.per_sample_at(pairs), known.per_sample_at(pairs))


def test_its_problem_has_the_whole_grid_and_is_solved_with_interactions() -> None:
    table, _ = tables()
    problem = table_problem(table, {"average_bits": 5.0})
    axes = option_axes(problem.options)
    assert (axes.weight_bits, axes.input_bits) == ((3, 5, 8), (3, 8))
    found = solve_with_interactions(problem, table)
    assert found.loss <= found.start_loss
    assert problem.costs(found.allocation)["average_bits"] <= 5.0
    known = table.projections
    assert known is not None
    chosen = [problem.options[option] for option in found.allocation.choice]
    bits, inputs = [w.bits for w in chosen], [w.activation_bits for w in chosen]
    additive = known.additive(bits, inputs).mean
    # Within a layer the error of its weights and that of its input belong to one cell.
    own = [known.per_sample_at([(b, a)])[:, n, 0].mean() for n, (b, a) in enumerate(_pairs(chosen))]
    assert found.allocation.loss == pytest.approx(sum(own))
    assert found.allocation.loss != pytest.approx(additive)
    interval = predicted_intervals(table, [found.allocation.choice])
    assert interval is not None
    assert interval[0, 0] < found.allocation.loss < interval[0, 1]


def _pairs(chosen: list[Width]) -> list[tuple[int | None, int | None]]:
    return [(width.bits, width.activation_bits) for width in chosen]


def test_a_trust_check_predicts_pairs_with_their_interactions() -> None:
    table, _ = tables()
    drawn = trust_configurations(table.network, CONFIG, 4)
    pieces = [TrustPiece(number, 0, 24, 1.0, 1.0) for number in range(len(drawn))]
    check = trust_check(table, drawn, pieces)
    known = table.projections
    assert known is not None
    assert check.interacting is not None
    for point, configuration in zip(check.points, drawn, strict=True):
        pairs = _pairs(list(configuration.widths))
        rows = [known.per_sample_at([pair])[:, n, 0].mean() for n, pair in enumerate(pairs)]
        assert point.additive == pytest.approx(sum(rows))
        assert point.activation_bits == tuple(a for _, a in pairs)


def test_a_ranking_is_of_equal_widths_alone() -> None:
    table, _ = tables()
    rows = {row.layer: row.delta_loss for row in table.rows if row.width == Width(8, 8)}
    assert {one.layer: one.value for one in ranking(table, 8)} == rows
    assert ranking(table, 5) == ()


def test_inputs_have_widths_that_weights_have_too() -> None:
    check_config(CONFIG)
    check_config(replace(CONFIG, method="exact", activation_bits=(4, 8)))
    with pytest.raises(BadInput, match="add 2, 4 to --bits, or measure with --method exact"):
        check_config(replace(CONFIG, activation_bits=(2, 4, 8)))
