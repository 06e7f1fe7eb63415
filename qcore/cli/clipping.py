"""Options that say where weights and layer inputs are clipped."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import get_args

from qcore.calibrate.clipping import DEFAULT_PERCENTILE, METHODS, Clipping, Target, checked


def add_clipping(command: argparse.ArgumentParser, *targets: str) -> None:
    """Add the options for those targets to a command."""
    group = command.add_argument_group("clipping thresholds")
    for target in targets:
        group.add_argument(
            f"--{target}-clipping",
            choices=list(METHODS),
            metavar="METHOD",
            help=f"of {'weights' if target == 'weight' else 'layer inputs'}: "
            f"{', '.join(METHODS)} (default mse)",
        )
    add_percentile(group)


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
