"""What is known of a machine, and what a network costs on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.errors import BadInput
from qcore.graph.layer import Description, Layer
from qcore.quantize.limits import PRUNED
from qcore.sensitivity.config import Width

FloatArray = npt.NDArray[np.float64]

CostFunction = Callable[[Layer, Sequence[Width], int], FloatArray]
"""(layer, widths, images in a batch) -> (options,): cost of the layer for the whole batch."""


def count_all(network: Description) -> tuple[str, ...]:
    """No layer is left out."""
    return ()


@dataclass(frozen=True)
class Hardware:
    """A machine: how long a layer takes on it, what that costs, and how this is known.

    ``bits`` and ``activation_bits`` are the widths it takes; None among the latter is an input of
    full precision. ``batch`` is how many images it works on at once.
    ``provenance`` says where the figures come from, ``leaves_out`` what they do not hold.
    ``latency_ms`` and ``energy_mj`` are None where the machine's is not known. ``excluded`` names
    the layers that its published totals do not count.
    """

    name: str
    title: str
    provenance: str
    leaves_out: tuple[str, ...]
    bits: tuple[int, ...]
    activation_bits: tuple[int | None, ...]
    batch: int
    latency_ms: CostFunction | None = None
    energy_mj: CostFunction | None = None
    excluded: Callable[[Description], tuple[str, ...]] = count_all


@dataclass(frozen=True, eq=False)
class HardwareCosts:
    """(layers, options) of a batch of images; None where the machine has no such figure.

    Sums over layers are the network's cost: layers that the machine leaves out have 0 everywhere.
    """

    latency_ms: FloatArray | None
    energy_mj: FloatArray | None


def hardware_costs(
    network: Description, hardware: Hardware, widths: Sequence[Width]
) -> HardwareCosts:
    """Latency and energy of every layer at every width, on its own, for the machine's batch.

    A layer at 0 bits is pruned: it does not run and costs nothing. Raises BadInput for a width that
    the machine does not take. Example: MobileNetV2 at 4-bit weights and inputs on "bismo-cloud"
    adds up to 74.46 ms for 16 images.
    """
    runs = np.array([width.bits != PRUNED for width in widths], dtype=bool)
    run = [width for width in widths if width.bits != PRUNED]
    _check_widths(hardware, run)
    excluded = hardware.excluded(network)

    def table(cost: CostFunction | None) -> FloatArray | None:
        if cost is None:
            return None
        rows = np.zeros((len(network.layers), len(widths)))
        for row, layer in zip(rows, network.layers, strict=True):
            if layer.name not in excluded:
                row[runs] = cost(layer, run, hardware.batch)
        return rows

    return HardwareCosts(table(hardware.latency_ms), table(hardware.energy_mj))


def _check_widths(hardware: Hardware, widths: Sequence[Width]) -> None:
    """BadInput for the first width that the machine does not take."""
    for width in widths:
        if width.bits not in hardware.bits:
            raise BadInput(
                f"{hardware.title} has no {width.bits}-bit weights; choose from "
                f"{_listed(hardware.bits)} bits"
            )
        if width.activation_bits in hardware.activation_bits:
            continue
        taken = _listed(tuple(b for b in hardware.activation_bits if b is not None))
        if width.activation_bits is None:
            raise BadInput(
                f"{hardware.title} has no layer inputs of full precision; choose bits of the "
                f"layer inputs too, from {taken}"
            )
        raise BadInput(
            f"{hardware.title} has no {width.activation_bits}-bit layer inputs; choose from "
            f"{taken} bits"
        )


def _listed(bits: tuple[int, ...]) -> str:
    """``1 to 8`` for widths without a gap, else ``2, 4, 8``."""
    if len(bits) > 2 and bits == tuple(range(bits[0], bits[-1] + 1)):
        return f"{bits[0]} to {bits[-1]}"
    return ", ".join(str(b) for b in bits)
