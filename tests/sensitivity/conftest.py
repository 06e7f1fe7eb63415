"""A measured table of a small network."""

from __future__ import annotations

import pytest
from small_nets import random_data, residual_network

from qcore.data.source import DataSource
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact import measure_exact
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.table import SensitivityTable


@pytest.fixture(scope="module")
def table() -> SensitivityTable:
    network, data = residual_network(), random_data(10)
    config = SensitivityConfig((2, 4), "kl", 10, seed=3)
    run = measure_exact(network, data, config)
    names = [layer.name for layer in network.description.layers]
    return SensitivityTable(
        network.description,
        DataSource(data.name),
        data.fingerprint(),
        config,
        rows_from_pieces(run.pieces, names, config),
        1.5,
        run.one_forward_seconds,
    )
