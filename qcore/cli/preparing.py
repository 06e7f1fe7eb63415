"""Options that say how images become inputs, and which half of the data is meant."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import replace
from typing import get_args

from qcore.data.preprocess import (
    PRESETS,
    ChannelOrder,
    Fit,
    Interpolation,
    Preprocessing,
    ValueRange,
    checked,
    from_preset,
)
from qcore.data.source import DataSource


def add_preparing(command: argparse.ArgumentParser) -> None:
    """Add the options to a command that takes DATA."""
    group = command.add_argument_group(
        "preparing images", "default: the network's own where it is known (samples, torchvision)"
    )
    group.add_argument("--preset", choices=list(PRESETS), help="normalisation of a family")
    group.add_argument("--resize", type=int, metavar="PX", help="short side before the crop")
    group.add_argument("--fit", choices=get_args(Fit))
    group.add_argument("--interpolation", choices=get_args(Interpolation))
    group.add_argument("--mean", type=_numbers, metavar="R,G,B")
    group.add_argument("--std", type=_numbers, metavar="R,G,B")
    group.add_argument("--channel-order", choices=get_args(ChannelOrder))
    group.add_argument("--value-range", choices=get_args(ValueRange))
    group.add_argument(
        "--halved",
        action="store_true",
        help="sensitivity takes images 0, 2, 4 ... and evaluate 1, 3, 5 ..., as the pages do",
    )


def data_source(
    reference: str,
    arguments: argparse.Namespace,
    own: Preprocessing | None,
    input_shape: tuple[int, ...],
) -> DataSource:
    """DATA prepared as the options ask; a preset, or the network's own, is what they change.

    Raises BadInput for options that make no sense together or for this network.
    """
    names = ("fit", "interpolation", "channel_order", "value_range", "mean", "std")
    given = {name: getattr(arguments, name) for name in names}
    changed = {name: value for name, value in given.items() if value is not None}
    if arguments.resize is not None:
        changed["resize_px"] = arguments.resize
    if not changed and arguments.preset is None:
        return DataSource(reference, None, arguments.halved)
    base = own
    if arguments.preset is not None or base is None:
        base = from_preset(arguments.preset or "ImageNet", input_shape)
    return DataSource(reference, checked(replace(base, **changed)), arguments.halved)


def options_text(source: DataSource) -> str:
    """The options that ask for a source's preparation, as typed into a shell; empty for none."""
    words = ["--halved"] if source.halved else []
    how = source.preprocessing
    if how is not None:
        words += ["--resize", str(how.resize_px), "--fit", how.fit]
        words += ["--interpolation", how.interpolation, "--channel-order", how.channel_order]
        words += ["--value-range", how.value_range]
        # With '=': a value that begins with a minus sign would be taken for an option.
        words += [f"--mean={_text(how.mean)}", f"--std={_text(how.std)}"]
    return shlex.join(words)


def measure_command(model: str, source: DataSource, allocation_file: str) -> str:
    """What measures an allocation on a source's held-out images, as typed into a shell."""
    words = ["python", "-m", "qcore", "evaluate", model, source.reference]
    return f"{shlex.join([*words, '--bits', allocation_file])} {options_text(source)}".rstrip()


def _text(values: tuple[float, ...]) -> str:
    return ",".join(repr(value) for value in values)


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 0.5,0.5,0.5") from None
