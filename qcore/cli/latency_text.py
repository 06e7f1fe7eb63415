"""Latency and energy of a network, printed for a person."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import TYPE_CHECKING

from qcore.cli.show import show_table

if TYPE_CHECKING:
    from qcore.hardware import BitPair
    from qcore.hardware.at_bits import LayerAtBits, NetworkAtBits
    from qcore.latency.measurement import LatencyMeasurement

_WIDTH = 100


def show_latency(found: NetworkAtBits) -> None:
    """A line for each layer, the totals, what is left out and where the figures come from."""
    columns = _columns(found)
    rows = [tuple(text(layer) for text in columns.values()) for layer in found.layers]
    show_table(tuple(columns), rows)
    totals = [(found.total_ms, "ms"), (found.total_mj, "mJ")]
    parts = [f"{_figure(value, 5)} {unit}" for value, unit in totals if value is not None]
    images = "one image" if found.batch == 1 else f"a batch of {found.batch} images"
    least = "at least " if found.hardware.lower_bound else ""
    print(f"\ntotal {least}{', '.join(parts)} for {images} on {found.hardware.title}")
    if found.excluded:
        print(f"excluded from it: {', '.join(found.excluded)}")
    for line in found.hardware.formula:
        _wrapped(line)
    _wrapped(found.hardware.provenance)
    _wrapped(f"Left out: {'; '.join(found.hardware.leaves_out)}.")


def show_whole_network(measurement: LatencyMeasurement, pair: BitPair) -> None:
    """The time of the whole network at this pair, where it was measured, beside the layers'."""
    for total in measurement.totals:
        if total.pair == pair and total.network is not None and total.difference_ms is not None:
            print(
                f"the whole network in one run: {_figure(total.network.median_ms)} ms, "
                f"{total.difference_ms:+.4g} ms from the sum of its layers"
            )


def _columns(found: NetworkAtBits) -> dict[str, Callable[[LayerAtBits], str]]:
    """Heading -> cell, of what this machine has figures for."""
    layers = found.layers
    columns: dict[str, Callable[[LayerAtBits], str]] = {
        "layer": lambda la: la.name,
        "bits": lambda la: _bits(la.pair),
    }
    if any(la.runs_as != la.pair for la in layers):
        columns["runs as"] = lambda la: "" if la.runs_as == la.pair else _bits(la.runs_as)
    if any(la.latency_ms is not None for la in layers):
        columns["ms"] = lambda la: _figure(la.latency_ms)
    if any(la.energy_mj is not None for la in layers):
        columns["mJ"] = lambda la: _figure(la.energy_mj)
    if any(la.bound is not None for la in layers):
        columns["bound by"] = lambda la: la.bound or ""
    return columns


def _bits(pair: BitPair) -> str:
    return "pruned" if pair.pruned else str(pair)


def _figure(value: float | None, digits: int = 4) -> str:
    """So many digits; where it is larger, all before the point. Example: 74.46, 12,345."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 10**digits else f"{value:.{digits}g}"


def _wrapped(text: str) -> None:
    print(textwrap.fill(text, _WIDTH))
