"""Options that say where weights and layer inputs are clipped."""

from __future__ import annotations

import argparse

from qcore.calibrate.clipping import METHODS, Clipping, checked


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
        help=f"percent of all values for method percentile (default {Clipping.percentile:g})",
    )


def clipping_of(arguments: argparse.Namespace, base: Clipping | None = None) -> Clipping:
    """What the options ask for, else what ``base`` says. Raises BadInput for a wrong percentile.

    A method for all replaces the base's exceptions of that target too.
    """
    chosen = base or Clipping()
    weight = getattr(arguments, "weight_clipping", None)
    activation = getattr(arguments, "activation_clipping", None)
    percentile = arguments.percentile
    replaced = {t for t, m in (("weight", weight), ("activation", activation)) if m is not None}
    return checked(
        Clipping(
            weight or chosen.weight,
            activation or chosen.activation,
            chosen.percentile if percentile is None else percentile,
            tuple(o for o in chosen.overrides if o.target not in replaced),
        )
    )
