"""Hardware: what all costs of a network take to work out, and how right they are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from benchmarks.figure import Figure
from qcore.hardware import HARDWARE, Hardware, hardware_costs
from qcore.hardware.validation import Errors, Published, validate
from qcore.hardware.validation.tables import HAQ_PAIRS, haq_table

_TIMES = 5  # that each is timed again; the best counts


def bench_hardware() -> Iterator[Figure]:
    """MobileNetV2's 53 layers at 64 pairs of bits on every machine that ships."""
    for hardware in HARDWARE.values():
        yield _costs(hardware)
    for found in dict.fromkeys(map(validate, HARDWARE)):  # rooflines share one
        yield from (_total(found.name, one) for one in found.totals)
        yield from (_errors(found.name, one) for one in found.errors)


def _costs(hardware: Hardware) -> Figure:
    network = haq_table().network

    def costs() -> object:
        return hardware_costs(network, hardware, HAQ_PAIRS)

    first = _seconds(costs)
    again = min(_seconds(costs) for _ in range(_TIMES))
    return Figure(
        f"{hardware.name}: costs of 53 layers x {len(HAQ_PAIRS)} pairs of bits",
        f"{1000 * again:.0f} ms",
        f"{1000 * first:.0f} ms the first time",
    )


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _total(name: str, one: Published) -> Figure:
    beside = f"published {one.published:g}, {one.error_percent:+.2f} %"
    return Figure(f"{name}: {one.what}", f"{one.modelled:.5g} {one.unit}", beside)


def _errors(name: str, one: Errors) -> Figure:
    return Figure(
        f"{name}: {one.entries:,} published figures, {one.what}, mean error",
        f"{one.mean_percent:.2f} %",
        f"{one.exact_share:.0%} exact, 90 % within {one.p90_percent:.1f} %, worst "
        f"{one.worst_percent:.1f} %, sum {one.bias_percent:+.2f} %",
    )
