"""Projected sensitivity tables, as benchmarks make them."""

from __future__ import annotations

import functools

from qcore.calibrate.observe import calibration_for
from qcore.data.dataset import Dataset
from qcore.data.source import DataSource
from qcore.graph.network import Network
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.kernel_estimates import kernel_estimates
from qcore.sensitivity.projected import measure_projected
from qcore.sensitivity.projected_rows import rows_from_projections, rows_of_kernels
from qcore.sensitivity.projection.chunk import ChunkProjections
from qcore.sensitivity.table import SensitivityTable


def projected_table(
    network: Network, data: Dataset, config: SensitivityConfig, title: str
) -> SensitivityTable:
    """A table with rows of kernels where weights alone are rounded."""
    chunks: list[ChunkProjections] = []
    measure_projected(
        network,
        data,
        config,
        calibration=calibration_for(network, data) if config.rounds_inputs else None,
        on_chunk=lambda _, chunk: chunks.append(chunk),
    )
    whole = functools.reduce(ChunkProjections.joined, chunks)
    return SensitivityTable(
        network.description,
        DataSource(title),
        "",
        config,
        rows_from_projections(whole.projections, config),
        0.0,
        None,
        () if whole.kernels is None else rows_of_kernels(kernel_estimates(whole.kernels), config),
        whole.projections,
    )
