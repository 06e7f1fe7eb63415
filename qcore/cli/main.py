"""Parse arguments, run one command, print; exit code 2 and one line on bad input."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from typing import NoReturn

from qcore.calibrate.clipping import METHODS as THRESHOLD_METHODS
from qcore.cli.clipping import add_clipping, add_percentile
from qcore.cli.commands import COMMANDS
from qcore.cli.preparing import add_preparing
from qcore.cli.show import check_target, text_beside_json, write_json
from qcore.errors import BadInput
from qcore.measure.trust_draw import COUNT
from qcore.memory import keep_freed_memory, wait_without_spinning
from qcore.quantize.limits import DEFAULT_BITS, MAX_BITS, MIN_BITS
from qcore.sensitivity.config import BASE_BITS, METHODS, TARGETS
from qcore.sensitivity.objectives import OBJECTIVES

_LARGEST_SEED = 2**63 - 1


class _OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, like every other."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message} (see: {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0, 2 on bad input, 130 when interrupted."""
    keep_freed_memory()
    wait_without_spinning()
    try:
        arguments = _parser().parse_args(argv)
        check_target(arguments.json)
        with text_beside_json(arguments.json):
            value = COMMANDS[arguments.command](arguments)
        write_json(arguments.json, value)
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; what was finished is kept: the same command goes on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _OneLineParser(
        prog="python -m qcore",
        description="How many bits does each layer of a trained network need?",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument(
            "--json",
            metavar="FILE",
            help="write the result as JSON ('-': standard output, and the text to standard error)",
        )
        return command

    model = "sample:NAME, torchvision:NAME[@FILE], FILE.onnx or FILE.pt2"
    data = "sample:NAME, a .npz or idx file, a folder or a ZIP of images (class folders: labels)"
    describe = add("describe", "layers, weights, multiply-accumulates, what is not quantized")
    describe.add_argument("model", metavar="MODEL", help=model)

    thresholds = add("thresholds", "where each layer's weights and input are clipped, by a method")
    thresholds.add_argument("model", metavar="MODEL", help=model)
    thresholds.add_argument("data", metavar="DATA", help=data)
    thresholds.add_argument("--bits", type=_width, required=True, metavar="B")
    thresholds.add_argument("--method", choices=list(THRESHOLD_METHODS), required=True)
    thresholds.add_argument("--target", choices=list(TARGETS), default="both")
    add_percentile(thresholds)
    add_preparing(thresholds)

    sensitivity = add("sensitivity", "ΔL of every layer at every bit width, with 95 % intervals")
    sensitivity.add_argument("model", metavar="MODEL", help=model)
    sensitivity.add_argument("data", metavar="DATA", help=data)
    sensitivity.add_argument("--method", choices=list(METHODS), default="exact")
    sensitivity.add_argument("--target", choices=list(TARGETS), default="weight")
    sensitivity.add_argument("--bits", type=_bits, default=DEFAULT_BITS, metavar="2,3,4,...")
    sensitivity.add_argument(
        "--activation-bits",
        type=_bits,
        default=(),
        metavar="4,8,...",
        help="with --target both: every width with each of these; default: with the same width",
    )
    sensitivity.add_argument(
        "--base",
        choices=["fp32", str(BASE_BITS)],
        default="fp32",
        help="all that is not looked at: full precision, or weights and inputs at 8 bits",
    )
    sensitivity.add_argument(
        "--probes",
        type=_count,
        metavar="N",
        help="random directions: of projected (default 2), of hessian (default 32)",
    )
    sensitivity.add_argument(
        "--tolerance",
        type=float,
        metavar="T",
        help="of exact: a cell takes no more images once what all of them would give is known, at "
        "95 %%, to within T (0.1: 10 %%) of what all layers add at that width",
    )
    sensitivity.add_argument(
        "--refine",
        type=_count,
        metavar="PASSES",
        help="of projected: then measure exactly, in that many forward passes at most, the cells "
        "that decide an allocation",
    )
    sensitivity.add_argument(
        "--per-kernel", action="store_true", help="of projected: a row for every kernel too"
    )
    sensitivity.add_argument("--objective", choices=list(OBJECTIVES))
    sensitivity.add_argument("--limit", type=_count, metavar="N", help="use N images at most")
    sensitivity.add_argument("--seed", type=_seed, default=0, metavar="S", help="which N images")
    add_preparing(sensitivity)
    add_clipping(sensitivity, "weight", "activation")
    sensitivity.add_argument(
        "--fresh", action="store_true", help="measure again what the store knows"
    )

    allocate = add("allocate", "bits per layer of least predicted loss within the budgets")
    allocate.add_argument("table", metavar="SENSITIVITY.json")
    allocate.add_argument(
        "--budget", type=_assignment, action="append", required=True, metavar="NAME=VALUE"
    )
    allocate.add_argument("--method", choices=["ilp"], default="ilp")
    allocate.add_argument(
        "--pin", type=_assignment, action="append", default=[], metavar="LAYER=BITS"
    )
    allocate.add_argument(
        "--activation-bits", type=_width, metavar="B", help="bits of every layer's input"
    )
    add_clipping(allocate, "activation")

    frontier = add("frontier", "the best allocations from smallest to largest")
    frontier.add_argument("table", metavar="SENSITIVITY.json")

    trust = add("trust", "predicted against measured loss of random configurations")
    trust.add_argument("table", metavar="SENSITIVITY.json")
    trust.add_argument("--count", type=_count, default=COUNT, metavar="N", help="configurations")
    trust.add_argument("--seed", type=_seed, default=0, metavar="S", help="which configurations")

    evaluate = add("evaluate", "true loss and accuracy of an allocation")
    evaluate.add_argument("model", metavar="MODEL", help=model)
    evaluate.add_argument("data", metavar="DATA", help=data)
    evaluate.add_argument("--bits", required=True, metavar="ALLOCATION.json")
    evaluate.add_argument(
        "--calibration",
        metavar="DATA",
        help="data that thresholds of layer inputs are found on; default: those that the "
        "allocation names. Weights alone need none",
    )
    add_preparing(evaluate)
    add_clipping(evaluate, "weight", "activation")
    return parser


def _bits(text: str) -> tuple[int, ...]:
    try:
        bits = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 2,4,8") from None
    if not all(MIN_BITS <= b <= MAX_BITS for b in bits):
        raise argparse.ArgumentTypeError(f"bit widths are {MIN_BITS} to {MAX_BITS}, got {text}")
    return bits


def _width(text: str) -> int:
    if not text.isdecimal() or not MIN_BITS <= int(text) <= MAX_BITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no bit width; give {MIN_BITS} to {MAX_BITS}")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) > _LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number up to {_LARGEST_SEED}")
    return int(text)


def _assignment(text: str) -> tuple[str, float]:
    name, equals, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not (name and equals) or not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=NUMBER")
    return name, number
