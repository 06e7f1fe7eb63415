"""Bits per kernel that a search found, beside what is on the dial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import streamlit as st

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.jobs.search_question import SearchQuestion
from qcore.jobs.search_setting_of import setting_of
from qcore.quantize.limits import WeightBits
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from ui.allocation.dialled import FromSearch, Kept
from ui.allocation.workbench import Bench
from ui.engine import engine
from ui.evaluations import Measured
from ui.results import search_of


@dataclass(frozen=True, eq=False)
class KernelBits:
    """Bits of weights and of inputs by layer, and what they cost by name in their own units; the
    predicted loss only where it is known. ``asked`` is what was searched."""

    asked: SearchQuestion
    bits: Mapping[str, WeightBits]
    inputs: Mapping[str, int | None]
    costs: Mapping[str, float]

    def is_measured_by(self, row: Measured) -> bool:
        """True of a measurement of these bits, whatever its clipping."""
        return row.bits == self.bits and row.inputs == self.inputs


def kernel_bits(kept: FromSearch, network: Description) -> KernelBits | None:
    """What the search found for this network.

    None where the job is gone, has not finished, found nothing, or is about something else, and
    where the sensitivity run or the hardware it rests on is gone.
    """
    job = engine().store.job(kept.job)
    asked = search_of(job, network.fingerprint)
    if job is None or asked is None or job.state != "finished" or not asked.per_kernel:
        return None
    try:
        return _kernel_bits(job.id, job, asked, network)
    except BadInput:
        return None


def kept_kernels(kept: Sequence[Kept], found: Bench) -> dict[int, KernelBits]:
    """Those of them that are bits per kernel, by their place; with the predicted loss only where
    it is of the sensitivity run on the dial: losses of two runs are no comparison."""
    each = {}
    for number, one in enumerate(kept):
        known = kernel_bits(one, found.table.network) if isinstance(one, FromSearch) else None
        if known is not None:
            each[number] = known if _same_run(known, found.fit.whole) else _without_loss(known)
    return each


def _same_run(known: KernelBits, table: SensitivityTable) -> bool:
    asked = known.asked
    return (asked.config, asked.data_fingerprint) == (table.config, table.data_fingerprint)


def _without_loss(known: KernelBits) -> KernelBits:
    costs = {name: cost for name, cost in known.costs.items() if name != "loss"}
    return replace(known, costs=costs)


@st.cache_resource(max_entries=16, show_spinner=False)
def _kernel_bits(
    job_id: str, _job: Job, _asked: SearchQuestion, _network: Description
) -> KernelBits | None:
    choice = (_job.result or {}).get("choice")
    if choice is None:
        return None
    setting = setting_of(engine().store, _asked, _network)
    return KernelBits(_asked, setting.bits(choice), setting.inputs(choice), setting.costs(choice))
