"""The latency command's options."""

from __future__ import annotations

import argparse

from qcore.cli import values
from qcore.cli.parser_tables import Add, hardware_names


def latency(add: Add, model: str) -> None:
    """``model`` says what MODEL may be."""
    command = add("latency", "latency and energy of every layer on a machine, at its bits")
    command.add_argument("model", metavar="MODEL", help=model)
    command.add_argument(
        "--hardware",
        required=True,
        metavar="NAME",
        help=f"{hardware_names()}; this-machine is measured now, and kept for allocate",
    )
    _bits(command, "--weight-bits", "W", "bits of all weights, or fp32")
    _bits(command, "--activation-bits", "A", "bits of every layer's input, or fp32")
    command.add_argument(
        "--bits", metavar="ALLOCATION.json", help="bits of each layer instead, as allocate writes"
    )
    command.add_argument(
        "--batch",
        type=values.batch,
        metavar="N",
        help="images at once; default: as many as the machine works on",
    )


def _bits(command: argparse.ArgumentParser, name: str, metavar: str, text: str) -> None:
    # Full precision is None, so an option that is not given must be no None.
    command.add_argument(
        name, type=values.precision, default=argparse.SUPPRESS, metavar=metavar, help=text
    )
