"""The latency command: what a network takes on a machine, layer by layer."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qcore.cli.files import read_allocation
from qcore.cli.latency_text import show_latency, show_whole_network
from qcore.cli.show import progress_line
from qcore.errors import BadInput
from qcore.hardware import BitPair, Hardware
from qcore.hardware.at_bits import NetworkAtBits, network_at_bits
from qcore.latency.hardware import THIS_MACHINE, measured_hardware
from qcore.store.find_hardware import find_hardware
from qcore.store.latencies import keep_latency

if TYPE_CHECKING:
    from qcore.allocate.bits import BitAllocation
    from qcore.graph.layer import Description
    from qcore.graph.network import Network
    from qcore.latency.measurement import LatencyMeasurement


def latency(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print the table and return the JSON. Raises BadInput, also where a layer does not run."""
    from qcore.graph.load import load_network

    asked = _asked(arguments)
    network = load_network(arguments.model)
    pairs = _pairs(asked, network.description)
    measurement = None
    if arguments.hardware == THIS_MACHINE:
        _check_pairs(pairs)
        measurement = _measure(network, arguments.batch)
        hardware = measured_hardware(measurement)
    else:
        hardware = find_hardware(arguments.hardware, network.description)
    return latency_at(network.description, hardware, pairs, arguments.batch, measurement)


def latency_at(
    network: Description,
    hardware: Hardware,
    pairs: list[BitPair],
    batch: int | None = None,
    measurement: LatencyMeasurement | None = None,
) -> dict[str, Any]:
    """The table and the JSON of a network whose layers have these bits."""
    found = network_at_bits(network, hardware, pairs, batch)
    if found.refusal is not None:
        raise BadInput(found.refusal)
    show_latency(found)
    if measurement is not None and len(set(pairs)) == 1:
        show_whole_network(measurement, pairs[0])
    model = {"name": network.name, "fingerprint": network.fingerprint}
    return {"model": model, **_json(found)}


def _asked(arguments: argparse.Namespace) -> BitAllocation | BitPair:
    """The bits of every layer. BadInput unless they are given in one of both ways."""
    given = [name for name in ("weight_bits", "activation_bits") if name in arguments]
    if arguments.bits is not None and given:
        raise BadInput("--bits names the bits of all layers; leave out the other two")
    if arguments.bits is not None:
        return read_allocation(arguments.bits)
    if not given and arguments.hardware == THIS_MACHINE:
        return BitPair(None, None)  # what every layer runs at
    if len(given) < 2:
        raise BadInput("give --weight-bits and --activation-bits, or --bits ALLOCATION.json")
    return BitPair(arguments.weight_bits, arguments.activation_bits)


def _pairs(asked: BitAllocation | BitPair, network: Description) -> list[BitPair]:
    """One for each layer. BadInput where the allocation is not of this network, or of kernels."""
    if isinstance(asked, BitPair):
        return [asked] * len(network.layers)
    asked.check_fits(network)
    pairs = []
    for layer in network.layers:
        bits = asked.bits[layer.name]
        if isinstance(bits, tuple):
            raise BadInput(
                f"layer {layer.name!r} has bits per kernel, which no hardware here has figures "
                "for; give an allocation of layers (allocate without --per-kernel)"
            )
        pairs.append(BitPair(bits, asked.activations.get(layer.name)))
    return pairs


def _check_pairs(pairs: Sequence[BitPair]) -> None:
    """BadInput, before anything is measured, for a pair that has no kernel in any layer."""
    from qcore.latency.layers import PAIRS

    wrong = next((pair for pair in pairs if pair not in PAIRS and not pair.pruned), None)
    if wrong is not None:
        raise BadInput(
            f"this machine does not run {wrong} bits of weights/input; it runs "
            f"{', '.join(map(str, PAIRS))} (the last of linear layers only)"
        )


def _measure(network: Network, batch: int | None) -> LatencyMeasurement:
    """Time it here and now, and keep what was found."""
    from qcore.latency.measure import measure_latency

    found = measure_latency(network, batch=batch, on_progress=progress_line)
    keep_latency(found)
    return found


def _json(found: NetworkAtBits) -> dict[str, Any]:
    return {
        "hardware": found.hardware.name,
        "batch": found.batch,
        "total_ms": found.total_ms,
        "total_mj": found.total_mj,
        "layers": [
            {
                "name": layer.name,
                "weight_bits": layer.pair.weight_bits,
                "activation_bits": layer.pair.activation_bits,
                "runs_as": {
                    "weight_bits": layer.runs_as.weight_bits,
                    "activation_bits": layer.runs_as.activation_bits,
                },
                "ms": layer.latency_ms,
                "energy_mj": layer.energy_mj,
                "bound": layer.bound,
            }
            for layer in found.layers
        ],
        "excluded": list(found.excluded),
        "formula": list(found.hardware.formula),
        "lower_bound": found.hardware.lower_bound,
        "provenance": found.hardware.provenance,
        "leaves_out": list(found.hardware.leaves_out),
    }
