"""Random configurations that span what a table is used for. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcore.graph.layer import Description
from qcore.quantize.limits import PRUNED
from qcore.sensitivity.config import SensitivityConfig, Width

COUNT = 12
"""How many configurations a trust check measures."""

_DEVIATION = 1.0  # of a layer's width from the target, in steps of the list of widths

Doubles = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Configuration:
    """A width for every layer, in the network's order.

    ``average_bits`` is per weight, or per value that enters a layer where inputs alone are rounded.
    """

    widths: tuple[Width, ...]
    average_bits: float


def trust_configurations(
    network: Description, config: SensitivityConfig, count: int = COUNT, seed: int = 0
) -> tuple[Configuration, ...]:
    """Configurations of random bits, from few to many bits on average.

    Bits drawn evenly would not do: some sensitive layer always gets the fewest, and all networks
    are equally hopeless. So number i of ``count`` has a target at (i + 1/2) / count of the way from
    the second lowest width to the highest, each step of the list of widths counting the same. Every
    layer takes the width nearest to a normal draw around the target, with a deviation of one step;
    then single layers, in random order, move a step towards the target as long as that brings the
    average nearer. Pairs of widths have a target each. No layer is pruned whole unless there is
    nothing else: no allocation that is worth checking does that. The same ``seed`` gives the same
    configurations; equal ones, which few layers or widths lead to, are kept once. Example: widths
    2, 4, 8 and count 2 have the targets 5 and 7.
    """
    random = np.random.default_rng(seed)
    sizes = _sizes(network, config)
    rounded = tuple(b for b in config.bits if b != PRUNED) or config.bits
    drawn: dict[tuple[Width, ...], Configuration] = {}
    for number in range(count):
        fraction = (number + 0.5) / count
        bits = draw_bits(rounded, sizes, fraction, random)
        inputs: Sequence[int | None] = [None] * len(bits)
        if config.target == "both":
            pairs = config.activation_bits
            inputs = draw_bits(pairs, sizes, fraction, random) if pairs else bits
        widths = tuple(Width(b, a) for b, a in zip(bits, inputs, strict=True))
        drawn.setdefault(widths, Configuration(widths, float(np.average(bits, weights=sizes))))
    return tuple(drawn.values())


def target_bits(widths: Sequence[int], fraction: float) -> float:
    """The average that is aimed at. Example: 2, 4, 8 and a fraction of 0.25: 5."""
    return float(np.interp(_place(widths, fraction), np.arange(len(widths)), widths))


def draw_bits(
    widths: Sequence[int], sizes: Doubles, fraction: float, random: np.random.Generator
) -> list[int]:
    """Bits of each layer, whose mean weighted by ``sizes`` is near the target of ``fraction``.

    No step of a single layer brings the mean nearer. ``widths`` rise.
    """
    last, place = len(widths) - 1, _place(widths, fraction)
    normal = random.normal(place, _DEVIATION, len(sizes))
    chosen = np.clip(np.rint(normal), 0, last).astype(np.int64)
    known, share = np.asarray(widths, np.float64), sizes / sizes.sum()
    while _nearer(chosen, known, share, target_bits(widths, fraction), random):
        pass
    return [widths[i] for i in chosen]


def _place(widths: Sequence[int], fraction: float) -> float:
    """Of the target in the list of widths; the lowest of more than two is left out."""
    first = 1 if len(widths) > 2 else 0
    return first + fraction * (len(widths) - 1 - first)


def _nearer(
    chosen: Places, widths: Doubles, share: Doubles, target: float, random: np.random.Generator
) -> bool:
    """Offer each layer one step, in place; False where none was taken."""
    moved = False
    for layer in random.permutation(len(chosen)):
        gap = target - float(widths[chosen] @ share)
        other = chosen[layer] + int(np.sign(gap))
        if not 0 <= other < len(widths):
            continue
        step = (widths[other] - widths[chosen[layer]]) * share[layer]
        if abs(gap - step) < abs(gap) * (1 - 1e-9):  # rounding must not go on for ever
            chosen[layer], moved = other, True
    return moved


def _sizes(network: Description, config: SensitivityConfig) -> Doubles:
    """What each layer's bits count in an average."""
    if config.target == "activation":
        return np.array([math.prod(layer.input_shape) for layer in network.layers], np.float64)
    return np.array([layer.weight_count for layer in network.layers], np.float64)
