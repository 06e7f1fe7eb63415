"""Read answers back from the store."""

from __future__ import annotations

from qcore.graph.layer import Description
from qcore.jobs.kept_projections import CHUNK, KERNELS, kernel_sums, projections_in
from qcore.jobs.kept_rows import ROWS, rows_in
from qcore.jobs.questions import SensitivityQuestion
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.kernel_estimates import KernelEstimates, kernel_estimates
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.projected_rows import rows_from_projections, rows_of_kernels
from qcore.sensitivity.projection.projections import Projections
from qcore.sensitivity.refined import refined_rows
from qcore.sensitivity.row import SensitivityRow
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
        kernels = kernel_answer(store, job) if per_kernel else None
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
        kernel_shrinkage=None if kernels is None else kernels.shrinkage,
        refine_passes=(job.result or {}).get("refine_passes"),
    )


def kernel_answer(store: Store, job: Job) -> KernelEstimates | None:
    """What a projected run of weights says of single kernels, as far as it has come; None before
    its first images, and for runs that round no weights or are not projected."""
    sums = kernel_sums(store.arrays(job.id, KERNELS))
    return None if sums is None else kernel_estimates(sums)


def _rows(
    store: Store,
    job: Job,
    network: Description,
    config: SensitivityConfig,
    projections: Projections | None,
) -> tuple[SensitivityRow, ...]:
    if config.method == "projected":
        if projections is None:
            return ()
        rows = rows_from_projections(projections, config)
        return rows if config.refine is None else refined_rows(rows, store.pieces(job.id), config)
    if config.method == "exact":
        names = [layer.name for layer in network.layers]
        return rows_from_pieces(store.pieces(job.id), names, config)
    return rows_in(store.arrays(job.id, ROWS), config)
