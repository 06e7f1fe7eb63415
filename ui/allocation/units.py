"""In what unit each budget is dialled and shown."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qcore.allocate.budget import TableProblem
from ui.components.live_dial import DialUnit

_STEPS = 1000  # at least so many places on the dial
_LEAST_DECIMALS = {"average_bits": 3}


@dataclass(frozen=True)
class Named:
    """A cost in words: its name, and the prefixes its unit may take (largest first)."""

    title: str
    units: tuple[tuple[float, str], ...]
    help: str


_NAMES: dict[str, Named] = {
    "size_bytes": Named(
        "Size",
        ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")),
        "The whole network as a file: packed weights, scales, biases, all that stays 32 bit.",
    ),
    "average_bits": Named("Average bits", ((1.0, "bits"),), "Per weight of the quantized layers."),
    "size_ratio": Named(
        "Weights vs 32 bit", ((0.01, "%"),), "Weight bits of the quantized layers, of 32 each."
    ),
    "bops": Named(
        "Bit operations",
        ((1e12, "TBOPs"), (1e9, "GBOPs"), (1e6, "MBOPs"), (1e3, "kBOPs"), (1.0, "BOPs")),
        "Multiply-accumulates of an image x bits of the weight x bits of the input (32 where the "
        "input stays at full precision).",
    ),
    "latency_ms": Named(
        "Latency",
        ((1e3, "s"), (1.0, "ms"), (1e-3, "µs"), (1e-6, "ns")),
        "Of a batch on the chosen hardware, as its source models it.",
    ),
    "energy_mj": Named(
        "Energy",
        ((1e3, "J"), (1.0, "mJ"), (1e-3, "µJ"), (1e-6, "nJ")),
        "On the chosen hardware, as its source models it.",
    ),
}


def title(name: str) -> str:
    """Example: size_bytes -> Size."""
    return _NAMES[name].title


def about(name: str) -> str:
    """What a cost counts."""
    return _NAMES[name].help


def dial_unit(problem: TableProblem, name: str) -> DialUnit:
    """The dial of a budget, from the cheapest allocation to the dearest."""
    low, high = problem.limits(name)
    per_unit, suffix = _prefix(name, high)
    step = _step((high - low) / per_unit)
    decimals = max(_LEAST_DECIMALS.get(name, 0), -math.floor(math.log10(step) + 1e-9))
    first, last = _up(low / per_unit, step), _up(high / per_unit, step)
    return DialUnit(name, title(name), per_unit, first, last, step, decimals, suffix)


def shown_up(value: float, unit: DialUnit) -> float:
    """A value in the budget's own unit as the dial shows it, rounded up so that it is enough."""
    return _up(value / unit.per_unit, unit.step)


def shown(value: float, unit: DialUnit) -> float:
    """A value in the budget's own unit as the dial shows it. Example: 45300 -> 45.3 kB."""
    return float(f"{value / unit.per_unit:.12g}")


def own(shown: float, unit: DialUnit) -> float:
    """What the dial shows, in the budget's own unit. Example: 45.3 kB -> 45300."""
    return float(f"{shown * unit.per_unit:.12g}")


def amount(name: str, value: float) -> str:
    """A cost with its unit, in four digits: 45300 bytes -> 45.30 kB."""
    per_unit, suffix = _prefix(name, value)
    decimals = _LEAST_DECIMALS.get(name, four_digits(value / per_unit))
    return f"{value / per_unit:.{0 if suffix == 'B' else decimals}f} {suffix}"


def four_digits(value: float) -> int:
    """Decimals that show four digits of it, at most six. Example: 45.3 -> 2."""
    if value == 0:
        return 0
    return min(max(3 - math.floor(math.log10(abs(value))), 0), 6)


def bare(name: str, value: float) -> str:
    """A limit with its unit, every digit of it that a person dialled: 45.35 kB."""
    per_unit, suffix = _prefix(name, value)
    return f"{float(f'{value / per_unit:.8g}'):,.10g} {suffix}"


def _prefix(name: str, value: float) -> tuple[float, str]:
    units = _NAMES[name].units
    return next((unit for unit in units if abs(value) >= unit[0]), units[-1])


def _step(span: float) -> float:
    """1, 2 or 5 times a power of ten: the largest that leaves ``_STEPS`` places."""
    if span <= 0:
        return 0.001
    power = 10.0 ** math.floor(math.log10(span / _STEPS))
    return float(f"{max(m * power for m in (1, 2, 5) if m * power <= span / _STEPS):.3g}")


def _up(value: float, step: float) -> float:
    return float(f"{math.ceil(value / step - 1e-6) * step:.12g}")
