"""One function per command: print for a person, return what ``--json`` writes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from qcore.cli.allocating import allocate, frontier
from qcore.cli.show import progress_line, show_table
from qcore.sensitivity.objectives import UNITS
from qcore.sensitivity.width_text import width_text


def describe(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.graph.load import load_network

    network = load_network(arguments.model).description
    _warn(network.weights_note, *network.notes)
    rows = [
        (la.name, la.op, "x".join(map(str, la.weight_shape)), f"{la.kernels:,}", f"{la.macs:,}")
        for la in network.layers
    ]
    show_table(("layer", "op", "weight shape", "kernels", "MACs"), rows)
    others = ", ".join(f"{op} {count}" for op, count in network.not_quantized.items())
    print(
        f"\n{len(network.layers)} layers, {network.weight_count:,} weights, {network.macs:,} MACs; "
        f"{network.parameters:,} parameters, {network.folded_batch_norms} batch norms folded\n"
        f"not quantized: {others}"
    )
    return network.to_json()


def thresholds(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.cli.thresholds import find_thresholds

    found = find_thresholds(arguments, progress_line)
    rows = [
        (
            row["name"],
            row["target"],
            f"{row['threshold']:.6g}",
            f"{row['amax']:.6g}",
            f"{row['clipped']:.4%}",
            "" if row["sqnr_db"] is None else f"{row['sqnr_db']:.1f}",
        )
        for row in found["layers"]
    ]
    show_table(("layer", "target", "threshold", "largest", "clipped", "SQNR (dB)"), rows)
    print(f"\n{arguments.method}, {arguments.bits} bits, {found['images']:,} images")
    if arguments.method in ("max", "mse") and arguments.target != "activation":
        print("of weights, this is one threshold a layer; they are rounded with one a kernel")
    return found


def sensitivity(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.cli.ask import ask_sensitivity
    from qcore.cli.kernels import show_shrinkage

    table = ask_sensitivity(arguments, progress_line)
    _warn(table.network.weights_note)
    rows = [
        (
            row.layer,
            width_text(row.width),
            f"{row.delta_loss:+.3e}",
            "" if row.ci_low is None else f"{row.ci_low:+.2e} to {row.ci_high:+.2e}",
            f"{row.samples:,}",
        )
        for row in table.rows
    ]
    quantity = table.config.quantity_in_unit()
    show_table(("layer", "bits", quantity, "95 % interval", "images"), rows)
    forward = table.one_forward_seconds
    print(
        f"\n{table.config.objective}, {table.quantizer}; {table.seconds:.1f} s"
        + ("" if forward is None else f", one forward pass {forward:.2f} s")
    )
    if table.config.tolerance is not None:
        used, whole = sum(row.samples for row in table.rows), table.cells * table.config.images
        print(f"tolerance {table.config.tolerance:g}: {used:,} image evaluations of {whole:,}")
    if table.refine_passes is not None:
        print(
            f"refined: {table.refined_cells:,} of {table.cells:,} cells measured exactly, in "
            f"{table.refine_passes:.1f} forward passes"
        )
    if table.kernel_rows:
        show_shrinkage(table.kernel_shrinkage)
    return table.to_json()


def latency(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.cli.latency import latency as at_bits

    return at_bits(arguments)


def search(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.cli.searching import search_bits

    return search_bits(arguments, progress_line)


def trust(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.cli.trust import ask_trust

    return ask_trust(arguments, progress_line)


def evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    from qcore.cli.ask import ask_evaluation

    result = ask_evaluation(arguments, progress_line)
    low, high = result.delta_low, result.delta_high
    baseline = f"full precision {result.baseline_loss:.5f}"
    print(f"loss        {result.loss:.5f} ({baseline}), {result.objective}")
    interval = "" if low is None else f"  95 % interval {low:+.5f} to {high:+.5f}"
    print(f"ΔL          {result.delta_loss:+.5f} {UNITS[result.objective]}{interval}")
    if result.accuracy is not None and result.baseline_accuracy is not None:
        print(f"accuracy    {result.accuracy:.2%} (full precision {result.baseline_accuracy:.2%})")
    if result.agreement is None:
        print(f"images      {result.samples:,}")
    else:
        print(f"agreement   {result.agreement:.2%} of {result.samples:,} images")
    return result.to_json()


def _warn(*notes: str | None) -> None:
    for note in notes:
        if note is not None:
            print(f"note: {note}", file=sys.stderr)


COMMANDS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "describe": describe,
    "thresholds": thresholds,
    "sensitivity": sensitivity,
    "latency": latency,
    "allocate": allocate,
    "frontier": frontier,
    "search": search,
    "evaluate": evaluate,
    "trust": trust,
}
