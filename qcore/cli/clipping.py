"""Options that say how weights and layer inputs are rounded."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import get_args

from qcore.calibrate.clipping import DEFAULT_PERCENTILE, METHODS, Clipping, Target, checked


def add_clipping(command: argparse.ArgumentParser, *targets: str) -> None:
    """Add the options for those targets to a command."""
    group = command.add_argument_group("quantizer")
    for target in targets:
        group.add_argument(
            f"--{target}-clipping",
            choices=list(METHODS),
            metavar="METHOD",
            help=f"of {'weights' if target == 'weight' else 'layer inputs'}: "
            f"{', '.join(METHODS)} (default mse)",
        )
    add_percentile(group)
    if "weight" in targets:
        group.add_argument(
            "--no-bias-correction",
            action="store_true",
            help="leave biases as they are; default: take off how much rounding moves the mean "
            "output of a kernel on calibration data",
        )
        group.add_argument(
            "--scale-per-layer",
            action="store_true",
            help="one scale for all kernels of a layer; default: one per kernel",
        )


def add_percentile(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--percentile",
        type=float,
        metavar="P",
        help=f"percent of all values for method percentile (default {DEFAULT_PERCENTILE:g})",
    )


def clipping_of(arguments: argparse.Namespace, base: Clipping | None = None) -> Clipping:
    """What the options ask for, else what ``base`` says. Raises BadInput for a wrong percentile.

    A method for all replaces the base's exceptions of that target too.
    """
    chosen = base or Clipping()
    if getattr(arguments, "no_bias_correction", False):
        chosen = replace(chosen, bias_correction=False)
    if getattr(arguments, "scale_per_layer", False):
        chosen = replace(chosen, per_kernel=False)
    for target in get_args(Target):
        method = getattr(arguments, f"{target}_clipping", None)
        percentile = chosen.percentile(target) if arguments.percentile is None else None
        if method is not None:
            kept = tuple(o for o in chosen.overrides if o.target != target)
            chosen = replace(chosen, overrides=kept)
        chosen = chosen.with_method(
            target,
            method or chosen.method(target),
            arguments.percentile if percentile is None else percentile,
        )
    return checked(chosen)
