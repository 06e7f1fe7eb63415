"""The commands and their options."""

from __future__ import annotations

import argparse
from typing import NoReturn

from qcore.calibrate.clipping import METHODS as THRESHOLD_METHODS
from qcore.cli import values
from qcore.cli.clipping import add_clipping, add_percentile
from qcore.cli.parser_latency import latency
from qcore.cli.parser_tables import Add, allocate, frontier, search, trust
from qcore.cli.preparing import add_preparing
from qcore.errors import BadInput
from qcore.quantize.limits import DEFAULT_BITS
from qcore.sensitivity.config import BASE_BITS, METHODS, TARGETS
from qcore.sensitivity.objectives import OBJECTIVES

_MODEL = "sample:NAME, torchvision:NAME[@FILE], FILE.onnx or FILE.pt2"
_DATA = "sample:NAME, a .npz or idx file, a folder or a ZIP of images (class folders: labels)"


class _OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, like every other."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message} (see: {self.prog} --help)")


def command_parser() -> argparse.ArgumentParser:
    """The parser of all commands. Wrong arguments raise BadInput."""
    parser = _OneLineParser(
        prog="python -m qcore",
        description="How many bits does each layer of a trained network need?",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        # argparse fills in %-signs of a help text, but not those of a description.
        command = commands.add_parser(name, help=text.replace("%", "%%"), description=text)
        command.add_argument(
            "--json",
            metavar="FILE",
            help="write the result as JSON ('-': standard output, and the text to standard error)",
        )
        return command

    _describe(add)
    _thresholds(add)
    _sensitivity(add)
    latency(add, _MODEL)
    for command in (allocate, frontier, search, trust, _evaluate):
        command(add)
    return parser


def _describe(add: Add) -> None:
    command = add("describe", "layers, weights, multiply-accumulates, what is not quantized")
    command.add_argument("model", metavar="MODEL", help=_MODEL)


def _thresholds(add: Add) -> None:
    command = add("thresholds", "where each layer's weights and input are clipped, by a method")
    command.add_argument("model", metavar="MODEL", help=_MODEL)
    command.add_argument("data", metavar="DATA", help=_DATA)
    command.add_argument("--bits", type=values.width, required=True, metavar="B")
    command.add_argument("--method", choices=list(THRESHOLD_METHODS), required=True)
    command.add_argument("--target", choices=list(TARGETS), default="both")
    add_percentile(command)
    add_preparing(command)


def _sensitivity(add: Add) -> None:
    command = add("sensitivity", "ΔL of every layer at every bit width, with 95 % intervals")
    command.add_argument("model", metavar="MODEL", help=_MODEL)
    command.add_argument("data", metavar="DATA", help=_DATA)
    command.add_argument("--method", choices=list(METHODS), default="exact")
    command.add_argument("--target", choices=list(TARGETS), default="weight")
    command.add_argument("--bits", type=values.bits, default=DEFAULT_BITS, metavar="2,3,4,...")
    command.add_argument(
        "--activation-bits",
        type=values.bits,
        default=(),
        metavar="4,8,...",
        help="with --target both: every width with each of these; default: with the same width",
    )
    command.add_argument(
        "--base",
        choices=["fp32", str(BASE_BITS)],
        default="fp32",
        help="all that is not looked at: full precision, or weights and inputs at 8 bits",
    )
    _of_one_measure(command)
    command.add_argument("--objective", choices=list(OBJECTIVES))
    command.add_argument("--limit", type=values.count, metavar="N", help="use N images at most")
    command.add_argument("--seed", type=values.seed, default=0, metavar="S", help="which N images")
    add_preparing(command)
    add_clipping(command, "weight", "activation")
    command.add_argument("--fresh", action="store_true", help="measure again what the store knows")


def _of_one_measure(command: argparse.ArgumentParser) -> None:
    """Options of ``sensitivity`` that belong to some of its measures."""
    command.add_argument(
        "--probes",
        type=values.count,
        metavar="N",
        help="random directions: of projected for each image (default: 64 or more over all "
        "images), of hessian (default 32)",
    )
    command.add_argument(
        "--tolerance",
        type=float,
        metavar="T",
        help="of exact: a cell takes no more images once what all of them would give is known, at "
        "95 %%, to within T (0.1: 10 %%) of what all layers add at that width",
    )
    command.add_argument(
        "--refine",
        type=values.count,
        metavar="PASSES",
        help="of projected: then measure exactly, in that many forward passes at most, the cells "
        "that decide an allocation",
    )
    command.add_argument(
        "--per-kernel", action="store_true", help="of projected: a row for every kernel too"
    )


def _evaluate(add: Add) -> None:
    command = add("evaluate", "true loss and accuracy of an allocation")
    command.add_argument("model", metavar="MODEL", help=_MODEL)
    command.add_argument("data", metavar="DATA", help=_DATA)
    command.add_argument("--bits", required=True, metavar="ALLOCATION.json")
    command.add_argument(
        "--calibration",
        metavar="DATA",
        help="data that thresholds of layer inputs are found on; default: those that the "
        "allocation names. Weights alone need none",
    )
    add_preparing(command)
    add_clipping(command, "weight", "activation")
