"""Bits of every kernel: the problem of a table's layers, kernel by kernel, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.allocate.budget import TableProblem
from qcore.allocate.problem import Allocation, AllocationProblem, FloatArray
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.hardware.size import WIDTH_BITS, layer_bytes
from qcore.quantize.limits import WeightBits
from qcore.sensitivity.kernel_estimates import KernelEstimates
from qcore.sensitivity.objectives import Objective
from qcore.sensitivity.table import SensitivityTable

SHARED = ("size_bytes", "size_ratio", "average_bits", "bops", "loss")
"""The budgets of a layer that its kernels share in equal parts. Time and energy are not among them:
no hardware here says what a layer of several widths takes."""


@dataclass(frozen=True, eq=False)
class KernelProblem:
    """A problem whose rows are the kernels of all layers, one layer after the other.

    ``layers`` is the problem of the same table layer by layer; option o of a kernel of layer i is
    its option ``options[i, o]``.
    """

    problem: AllocationProblem
    layers: TableProblem
    options: npt.NDArray[np.int64]

    def choose(self, choice: Sequence[int]) -> dict[str, WeightBits]:
        """Layer name -> one width for each kernel, or one number where all have the same."""
        network = self.layers.network
        options = self.options[layer_numbers(network), np.asarray(choice, dtype=np.intp)]
        parts = np.split(np.array(self.layers.bits)[options], _starts(network)[1:-1])
        names = (layer.name for layer in network.layers)
        return {name: _together(part) for name, part in zip(names, parts, strict=True)}

    def costs(self, allocation: Allocation) -> dict[str, float]:
        """What the chosen bits cost, in the budgets' own units; the size as the ledger has it."""
        found = {
            name: allocation.costs[name] + self.layers.offsets[name] for name in allocation.costs
        }
        bits, network = self.choose(allocation.choice), self.layers.network
        stored = sum(sum(layer_bytes(layer, bits[layer.name])) for layer in network.layers)
        return found | {"size_bytes": stored + self.layers.offsets["size_bytes"]}


OWN = 1
"""The option of a kernel, of those around its layer's width, that is that width."""


def kernel_problem(
    layers: TableProblem, estimates: FloatArray, around: Sequence[int] | None = None
) -> KernelProblem:
    """The problem of ``layers`` with an own choice for every kernel, within the same budgets.

    ``estimates`` (kernels, options) say how the loss of a layer divides among its kernels: see
    ``divided``. With ``around``, an option for each layer, kernels may take that width, the next
    below and the next above: what is known of single kernels is worth one step, and of those that
    look free far down some are not. On EfficientNet-Lite0, four tables at 4.0 to 6.0 bits, the KL
    measured on other photographs is so 0.76 to 1.07 of that per layer, 0.91 on average. A kernel
    takes an equal part of every cost of its layer at that width, and is pinned where its layer is
    (``around`` has to keep the pins). Storing the widths takes half a byte a kernel, and packing a
    layer of several widths less than a byte more than its parts; both are taken off a budget of
    bytes, so that no allocation exceeds it. Raises BadInput for a budget of time or energy, for
    groups, for widths of inputs that differ, and for estimates of another shape. Example: a layer
    of 2 kernels at 4 and 8 bits, with 10 and 18 bytes: each kernel costs 5 or 9.
    """
    of_layers, network = layers.problem, layers.network
    unknown = [name for name in of_layers.budgets if name not in SHARED]
    if unknown:
        raise BadInput(f"a budget of {unknown[0]} is for bits per layer, not per kernel")
    if of_layers.groups:
        raise BadInput("layers that must agree get bits per layer, not per kernel")
    if len({option.activation_bits for option in layers.options}) > 1:
        raise BadInput("bits per kernel are of weights; make the table with --target weight")
    numbers = layer_numbers(network)
    if estimates.shape != (len(numbers), len(layers.bits)):
        raise BadInput(
            f"the estimates of kernels have the shape {estimates.shape}; the network and its table "
            f"need {(len(numbers), len(layers.bits))}"
        )
    kernels = np.bincount(numbers)[:, None]
    tables = {name: (of_layers.costs[name] / kernels)[numbers] for name in SHARED}
    tables["loss"] = divided(layers.losses, estimates, numbers)
    options = _options(layers.bits, len(network.layers), around)
    costs = {name: np.take_along_axis(t, options[numbers], 1) for name, t in tables.items()}
    budgets = dict(of_layers.budgets)
    if "size_bytes" in budgets:
        budgets["size_bytes"] -= widths_and_packing(network)
    pinned = of_layers.pins or {}
    place = {la: options[la].tolist().index(option) for la, option in pinned.items()}
    pins = {k: place[la] for k, la in enumerate(numbers.tolist()) if la in place}
    least = costs["size_bytes" if "loss" in budgets else "loss"]
    return KernelProblem(AllocationProblem(least, costs, budgets, pins=pins), layers, options)


def divided(rows: FloatArray, estimates: FloatArray, numbers: npt.NDArray[np.int64]) -> FloatArray:
    """(kernels, options): the loss of each layer, (layers, options), handed out to its kernels.

    They get it in proportion to their estimates, so that kernels of one width add up to what was
    measured of the layer as a whole, with what the kernels do to one another. Negative estimates
    count as none. A layer whose estimates are none, or whose loss is negative, of which no kernel
    could be said to gain more, is divided evenly. ``numbers`` (kernels,) are the kernels' layers.
    Example: a row of 6 and estimates 1, 3 and -1 give 1.5, 4.5 and 0.
    """
    known = np.maximum(estimates, 0.0)
    columns = [np.bincount(numbers, column, len(rows)) for column in known.T]
    total = np.stack(columns, 1)
    even = (total <= 0) | (rows < 0)
    count = np.bincount(numbers, minlength=len(rows))[:, None]
    factor = rows / np.where(even, count, total)
    found: FloatArray = np.where(even[numbers], 1.0, known) * factor[numbers]
    return found


def estimates_in(found: KernelEstimates, objective: Objective) -> FloatArray:
    """(kernels, bits): what is known of single kernels, to divide their layer's loss by.

    Their shrunk losses, where each is a distance from the full-precision output: curvature alone.
    Cross-entropy with labels has a first-order term too, of either sign and nearly all noise: there
    it is the squared error of the weights, one gain for the whole layer. Measured at 2.5 to 5 bits
    on average, kernels within one step of the layer's width: of the loss per layer, 0.42 to 0.86 on
    fashion-cnn with KL divergence; with cross-entropy 0.79 to 1.04 by squared errors, and up to 4.6
    by shrunk losses.
    """
    return found.energies if objective == "cross_entropy" else found.shrunk


def estimates_of(table: SensitivityTable) -> FloatArray:
    """The same from a table's rows of kernels. BadInput unless it has all of them."""
    network, bits = table.network, table.config.bits
    start = dict(zip((la.name for la in network.layers), _starts(network).tolist(), strict=False))
    place = {width: number for number, width in enumerate(bits)}
    rows = table.kernel_rows
    if len(rows) != network.kernels * len(bits):
        raise BadInput(
            f"the sensitivity table has {len(rows)} of {network.kernels * len(bits)} cells of "
            "kernels; make it with --method projected --per-kernel"
        )
    if table.config.objective == "cross_entropy":
        values: list[float | None] = [row.squared_error for row in rows]
    else:
        values = [row.delta_loss for row in rows]
    if None in values:
        raise BadInput(
            "the rows of kernels do not say the squared errors of their weights, as those of a "
            "table of cross-entropy have to; make it anew"
        )
    found = np.empty((network.kernels, len(bits)))
    # A table has no two rows of one cell, so as many rows as cells fill them all.
    kernels = [start[row.layer] + (row.kernel or 0) for row in rows]
    found[kernels, [place[row.bits] for row in rows]] = values
    return found


def layer_numbers(network: Description) -> npt.NDArray[np.int64]:
    """(kernels,): the place of each kernel's layer in the network."""
    kernels = [layer.kernels for layer in network.layers]
    return np.repeat(np.arange(len(kernels), dtype=np.int64), kernels)


def _options(
    bits: Sequence[int], layers: int, around: Sequence[int] | None
) -> npt.NDArray[np.int64]:
    """(layers, options of a kernel): all of a layer's, or one with those of its next widths."""
    if around is None:
        return np.tile(np.arange(len(bits), dtype=np.int64), (layers, 1))
    rising = np.argsort(bits)
    place = np.argsort(rising)[np.asarray(around, dtype=np.intp)]
    near = (place[:, None] + [-1, 0, 1]).clip(0, len(bits) - 1)
    found: npt.NDArray[np.int64] = rising[near]
    return found


def _starts(network: Description) -> npt.NDArray[np.int64]:
    """(layers + 1,): the first kernel of each layer, and the number of all."""
    return np.cumsum([0, *(layer.kernels for layer in network.layers)], dtype=np.int64)


def _together(bits: npt.NDArray[np.int64]) -> WeightBits:
    widths: list[int] = bits.tolist()
    return widths[0] if len(set(widths)) == 1 else tuple(widths)


def widths_and_packing(network: Description) -> int:
    """Bytes beyond the kernels' parts that an allocation takes at most."""
    return sum(-(-WIDTH_BITS * layer.kernels // 8) + 1 for layer in network.layers)
