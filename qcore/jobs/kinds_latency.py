"""The job that times a network on the machine of its worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from qcore.jobs.inside import measuring, network_of, stopped_is_cancelled
from qcore.jobs.questions import LatencyQuestion
from qcore.jobs.reporter import Reporter
from qcore.store.latencies import keep_latency
from qcore.store.store import Store


def latency(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.latency.measure import measure_latency

    asked, beside = LatencyQuestion(**question), False
    with stopped_is_cancelled(), measuring(job_id, store, reporter) as progress:

        def watch(fraction: float, message: str) -> None:
            nonlocal beside
            beside = beside or _others_run(store, job_id)
            progress(fraction, message)

        found = measure_latency(
            network_of(asked),
            batch=asked.batch,
            threads=asked.threads,
            on_progress=watch,
            should_stop=reporter.should_stop,
        )
    measured = replace(found, beside_other_jobs=beside)
    keep_latency(measured)
    return measured.to_json()


def _others_run(store: Store, job_id: str) -> bool:
    """True where another job is being worked on; those that wait disturb nobody."""
    return any(
        job.state == "running" and job.id != job_id and not job.lost()
        for job in store.active_jobs()
    )
