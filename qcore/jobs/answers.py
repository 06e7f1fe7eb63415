"""Read answers back from the store."""

from __future__ import annotations

from qcore.graph.layer import Description
from qcore.jobs.questions import SensitivityQuestion
from qcore.sensitivity.pieces import rows_from_pieces
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from qcore.store.store import Store


def sensitivity_table(store: Store, job: Job, network: Description) -> SensitivityTable:
    """The table of a sensitivity job as far as it has come; without rows before its first piece."""
    asked = SensitivityQuestion.from_json(job.question)
    names = [layer.name for layer in network.layers]
    return SensitivityTable(
        network=network,
        data=asked.data,
        data_fingerprint=asked.data_fingerprint,
        config=asked.config,
        rows=rows_from_pieces(store.pieces(job.id), names, asked.config),
        seconds=job.seconds,
        one_forward_seconds=(job.result or {}).get("one_forward_seconds"),
    )
