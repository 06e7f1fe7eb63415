"""Questions from the command line: answered from the store, or here and now."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from qcore.allocate.bits import BitAllocation
from qcore.calibrate.average import means_for
from qcore.calibrate.observe import calibration_for
from qcore.cli.answered import Listener, answered
from qcore.cli.clipping import clipping_of
from qcore.cli.files import read_allocation
from qcore.cli.preparing import data_source
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.load import load_network
from qcore.graph.network import Network
from qcore.jobs.answers import sensitivity_table
from qcore.jobs.questions import SensitivityQuestion
from qcore.measure.evaluate import evaluate
from qcore.measure.evaluation import Evaluation
from qcore.sensitivity.config import SensitivityConfig, check_config
from qcore.sensitivity.objectives import Objective, check_objective, objectives_for
from qcore.sensitivity.table import SensitivityTable
from qcore.store.store import Store


def ask_sensitivity(arguments: argparse.Namespace, listener: Listener) -> SensitivityTable:
    """The table asked for; what the store has of it is not computed again unless ``--fresh``.

    The same question asked in the browser is the same job. Raises BadInput.
    """
    network = load_network(arguments.model)
    source = source_of(arguments.data, arguments, network)
    data = load_data(source, network, "calibration")
    tell(*network.description.notes, *data.notes)
    labelled = data.labels is not None
    objective: Objective = arguments.objective or objectives_for(network.description, labelled)[0]
    check_objective(objective, network.description, labelled, data.name)
    config = _config(arguments, objective, min(len(data), arguments.limit or len(data)))
    question = SensitivityQuestion(
        arguments.model,
        network.description.fingerprint,
        source,
        data.fingerprint(),
        config,
    )
    store = Store()
    try:
        job = answered(store, question, listener, fresh=arguments.fresh)
        return sensitivity_table(store, job, network.description, per_kernel=arguments.per_kernel)
    finally:
        store.close()


def _config(arguments: argparse.Namespace, objective: Objective, images: int) -> SensitivityConfig:
    """Raises BadInput for options that do not go together."""
    config = SensitivityConfig(
        arguments.bits,
        objective,
        images,
        arguments.seed,
        method=arguments.method,
        target=arguments.target,
        clipping=clipping_of(arguments),
        activation_bits=arguments.activation_bits,
        base=None if arguments.base == "fp32" else int(arguments.base),
        probes=arguments.probes,
        tolerance=arguments.tolerance,
        refine=arguments.refine,
    )
    check_config(config)
    if arguments.probes is not None and config.probes is None:
        raise BadInput("--probes is of --method projected and hessian")
    if arguments.base != "fp32" and config.base is None:
        raise BadInput("--base is of --method exact")
    if arguments.tolerance is not None and config.tolerance is None:
        raise BadInput("--tolerance is of --method exact")
    if arguments.refine is not None and config.refine is None:
        raise BadInput("--refine is of --method projected --target weight")
    if arguments.per_kernel and (config.method, config.target) != ("projected", "weight"):
        raise BadInput("kernels are estimated with --method projected --target weight")
    return config


def ask_evaluation(arguments: argparse.Namespace, listener: Listener) -> Evaluation:
    """Measure an allocation on DATA (a sample's evaluation split). Raises BadInput."""
    allocation = read_allocation(arguments.bits)
    allocation = replace(allocation, clipping=clipping_of(arguments, allocation.clipping))
    network = load_network(arguments.model)
    allocation.check_fits(network.description)
    chosen_for = allocation.model_fingerprint
    if chosen_for is not None and chosen_for != network.description.fingerprint:
        note = f"the allocation was chosen for other weights ({allocation.model})"
        tell(note)
    data = load_data(source_of(arguments.data, arguments, network), network, "evaluation")
    tell(*network.description.notes, *data.notes)
    if allocation.objective == "cross_entropy" and data.labels is None:
        raise BadInput(
            f"the allocation was chosen by cross-entropy, but {data.name} has no labels; "
            "give labelled data, or choose it from a table made with --objective kl"
        )
    source = _calibration_source(arguments, allocation, network)
    calibration, means = None, None
    if source is not None:
        known = load_data(source, network, "calibration")
        if allocation.quantizes_inputs:
            calibration = calibration_for(network, known, on_progress=listener)
        if allocation.corrects_biases:
            means = means_for(network, known, on_progress=listener)
    elif allocation.corrects_biases:
        tell("no calibration data are known: biases are not corrected; give --calibration DATA")
    return evaluate(
        network,
        data,
        allocation,
        allocation.objective,
        calibration=calibration,
        means=means,
        on_progress=listener,
    )


def _calibration_source(
    arguments: argparse.Namespace, allocation: BitAllocation, network: Network
) -> DataSource | None:
    """The data of ``--calibration``, else those that the allocation names; None without either.

    Raises BadInput where inputs have bits and there are none.
    """
    if arguments.calibration is not None:
        return source_of(arguments.calibration, arguments, network)
    if allocation.calibration is None and allocation.quantizes_inputs:
        raise BadInput(
            "the allocation has activation bits but names no data to find the thresholds of layer "
            "inputs on; give --calibration DATA"
        )
    needed = allocation.quantizes_inputs or allocation.corrects_biases
    return allocation.calibration if needed else None


def source_of(reference: str, arguments: argparse.Namespace, network: Network) -> DataSource:
    """DATA with the options of its preparation."""
    return data_source(reference, arguments, network.preprocessing, network.description.input_shape)


def tell(*notes: str) -> None:
    """Facts that the user should know, beside the result."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
