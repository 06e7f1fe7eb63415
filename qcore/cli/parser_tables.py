"""The commands that read a sensitivity table, and their options."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from qcore.agents.config import DEFAULT_EPISODES, TITLES
from qcore.agents.evaluator import EVALUATORS
from qcore.allocate.costs import BUDGETS
from qcore.allocate.methods import METHODS
from qcore.cli import values
from qcore.cli.clipping import add_clipping
from qcore.hardware import HARDWARE
from qcore.measure.trust_draw import COUNT

Add = Callable[[str, str], argparse.ArgumentParser]
"""(name, help) -> a new command."""


def allocate(add: Add) -> None:
    command = add("allocate", "bits per layer of least predicted loss within the budgets")
    _within(command)
    command.add_argument(
        "--method",
        choices=list(METHODS),
        help="default: ilp; " + "; ".join(f"{name}: {words}" for name, words in METHODS.items()),
    )
    command.add_argument(
        "--per-kernel",
        action="store_true",
        help="bits of every kernel, of a table made with --per-kernel",
    )
    _on_hardware(command)
    _agreeing(command)
    add_clipping(command, "activation")


def search(add: Add) -> None:
    command = add("search", "bits that an agent finds by trial, within the budgets")
    _within(command)
    command.add_argument("--agent", choices=list(TITLES), required=True)
    command.add_argument(
        "--episodes",
        type=values.count,
        metavar="N",
        help="default: " + ", ".join(f"{name} {n}" for name, n in DEFAULT_EPISODES.items()),
    )
    command.add_argument("--seed", type=values.seed, default=0, metavar="S")
    command.add_argument(
        "--evaluator",
        choices=list(EVALUATORS),
        default="predicted",
        help="; ".join(f"{name}: {words}" for name, words in EVALUATORS.items()),
    )
    command.add_argument(
        "--images", type=values.count, metavar="N", help="of measured: calibration images to run"
    )
    command.add_argument(
        "--fine-tune",
        type=values.count,
        default=0,
        metavar="STEPS",
        help="of measured: train every configuration so long before it is measured",
    )
    command.add_argument(
        "--per-kernel",
        action="store_true",
        help="bits of every kernel (autoq and random), of a table made with --per-kernel",
    )
    command.add_argument(
        "--set",
        type=values.setting,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the agent; a wrong name lists them",
    )
    command.add_argument(
        "--checkpoint", metavar="FILE", help="where to go on from, and what to keep for that"
    )
    _on_hardware(command)
    _agreeing(command)
    add_clipping(command, "activation")


def _within(command: argparse.ArgumentParser) -> None:
    command.add_argument("table", metavar="SENSITIVITY.json")
    command.add_argument(
        "--budget",
        type=values.assignment,
        action="append",
        required=True,
        metavar="NAME=VALUE",
        help=f"at most; again for a second one: {', '.join(BUDGETS)}",
    )


def _agreeing(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--pin",
        type=values.pin,
        action="append",
        default=[],
        metavar="LAYER=BITS",
        help="of a table of pairs LAYER=4a8: weights 4, input 8 bits",
    )
    command.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="LAYER,LAYER,...",
        help="layers that get the same bits",
    )


def _on_hardware(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--hardware",
        metavar="NAME",
        help=f"what latency and energy are those of: {hardware_names()}",
    )
    command.add_argument(
        "--activation-bits", type=values.width, metavar="B", help="bits of every layer's input"
    )


def hardware_names() -> str:
    """What ``--hardware`` takes, for its help."""
    names = ", ".join(HARDWARE)
    return f"{names}, this-machine (as it was measured), FILE.csv (a table), FILE.json (a roofline)"


def frontier(add: Add) -> None:
    command = add("frontier", "the best allocations from smallest to largest")
    command.add_argument("table", metavar="SENSITIVITY.json")
    command.add_argument(
        "--at",
        type=values.assignment,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="the integer program's answer at this budget too; may be given again",
    )
    _on_hardware(command)


def trust(add: Add) -> None:
    command = add("trust", "predicted against measured loss of random configurations")
    command.add_argument("table", metavar="SENSITIVITY.json")
    command.add_argument(
        "--count", type=values.count, default=COUNT, metavar="N", help="configurations"
    )
    command.add_argument(
        "--seed", type=values.seed, default=0, metavar="S", help="which configurations"
    )
