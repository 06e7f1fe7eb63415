"""What a search is about, made again from its question. Free of torch."""

from __future__ import annotations

from qcore.agents.setting import SearchSetting, search_setting
from qcore.allocate.kernels import estimates_in
from qcore.allocate.on_hardware import runnable
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware import Hardware
from qcore.jobs.answers import kernel_answer, sensitivity_table
from qcore.jobs.questions import sensitivity_run, to_json
from qcore.jobs.search_question import SearchQuestion
from qcore.sensitivity.config import Width
from qcore.store.find_hardware import find_hardware
from qcore.store.job import Job
from qcore.store.store import Store


def setting_of(store: Store, asked: SearchQuestion, network: Description) -> SearchSetting:
    """The sensitivity run's problem within the budgets.

    Raises BadInput where the run is gone or has not finished, the hardware is gone or has other
    figures by now, and as ``search_setting`` does.
    """
    job = _run_of(store, asked)
    table = sensitivity_table(store, job, network)
    if not table.covered:
        raise BadInput("the sensitivity run has not finished; wait for it, or start it again")
    hardware = None if asked.hardware is None else _hardware_of(asked, asked.hardware, network)
    if hardware is not None:
        table = runnable(table, hardware, asked.inputs)
    estimates = None
    if asked.per_kernel:
        known = kernel_answer(store, job)
        if known is None:
            raise BadInput(
                "single kernels are known of projected runs of weights alone; measure sensitivity "
                "with --method projected --target weight"
            )
        here = [known.bits.index(bits) for bits in table.config.bits]
        estimates = estimates_in(known, table.config.objective)[:, here]
    return search_setting(
        table,
        dict(asked.budgets),
        pins={layer: Width(bits, inputs) for layer, bits, inputs in asked.pins},
        activation_bits=asked.inputs,
        hardware=hardware,
        estimates=estimates,
    )


def _run_of(store: Store, asked: SearchQuestion) -> Job:
    run = sensitivity_run(asked)
    job = store.find(run.kind, to_json(run))
    if job is None:
        raise BadInput("the sensitivity run of this search is gone; measure it again")
    return job


def _hardware_of(asked: SearchQuestion, name: str, network: Description) -> Hardware:
    found = find_hardware(name, network)
    if asked.hardware_revision not in (None, found.revision):
        raise BadInput(f"{found.title} has other figures than when this was asked; ask again")
    return found
