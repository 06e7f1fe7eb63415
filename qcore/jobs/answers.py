"""Read answers back from the store."""

from __future__ import annotations

from qcore.graph.layer import Description
from qcore.jobs.kept_projections import CHUNK, KERNELS, kernel_sums, projections_in
from qcore.jobs.questions import SensitivityQuestion
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected_rows import rows_from_projections, rows_of_kernels
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.row import SensitivityRow, row_from_json
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from qcore.store.store import Store


def sensitivity_table(
    store: Store, job: Job, network: Description, *, per_kernel: bool = False
) -> SensitivityTable:
    """The table of a sensitivity job as far as it has come; without rows before its first piece.

    ``per_kernel``: with a row for each kernel too, where the measure has them.
    """
    asked = SensitivityQuestion.from_json(job.question)
    projections, kernels = None, None
    if asked.config.method == "projected":
        projections = projections_in(store.arrays(job.id, CHUNK))
        kernels = kernel_sums(store.arrays(job.id, KERNELS)) if per_kernel else None
    return SensitivityTable(
        network=network,
        data=asked.data,
        data_fingerprint=asked.data_fingerprint,
        config=asked.config,
        rows=_rows(store, job, network, asked.config, projections),
        seconds=job.seconds,
        one_forward_seconds=(job.result or {}).get("one_forward_seconds"),
        kernel_rows=() if kernels is None else rows_of_kernels(kernels, asked.config),
        projections=projections,
    )


def _rows(
    store: Store,
    job: Job,
    network: Description,
    config: SensitivityConfig,
    projections: Projections | None,
) -> tuple[SensitivityRow, ...]:
    if config.method == "projected":
        return () if projections is None else rows_from_projections(projections, config)
    if config.method == "exact":
        names = [layer.name for layer in network.layers]
        return rows_from_pieces(store.pieces(job.id), names, config)
    return tuple(row_from_json(row, config) for row in (job.result or {}).get("rows", ()))
