"""What the values of options may be; argparse makes an error of what they may not."""

from __future__ import annotations

import argparse
import json
import math
import re

from qcore.hardware.model import MOST_IMAGES
from qcore.quantize.limits import MAX_BITS, MIN_BITS, is_weight_width
from qcore.sensitivity.config import LARGEST_SEED, Width


def bits(text: str) -> tuple[int, ...]:
    """Different bit widths, rising: ``8,2,4`` is (2, 4, 8). 0 bits are pruned weights."""
    try:
        found = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list like 2,4,8") from None
    if not all(map(is_weight_width, found)):
        raise argparse.ArgumentTypeError(
            f"bit widths are {MIN_BITS} to {MAX_BITS}, and 0 for pruned weights, got {text}"
        )
    return found


def width(text: str) -> int:
    """One bit width."""
    if not text.isdecimal() or not MIN_BITS <= int(text) <= MAX_BITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no bit width; give {MIN_BITS} to {MAX_BITS}")
    return int(text)


def precision(text: str) -> int | None:
    """Bits that a machine may run at, or ``fp32``: full precision, None."""
    if text == "fp32":
        return None
    if not text.isdecimal() or not 1 <= int(text) <= MAX_BITS:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no bit width; give 1 to {MAX_BITS}, or fp32 for full precision"
        )
    return int(text)


def count(text: str) -> int:
    """A whole number above zero."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def batch(text: str) -> int:
    """Images at once."""
    images = count(text)
    if images > MOST_IMAGES:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is too large; give at most {MOST_IMAGES}")
    return images


def seed(text: str) -> int:
    """A whole number that torch takes for a seed."""
    if not text.isdecimal() or int(text) > LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number up to {LARGEST_SEED}")
    return int(text)


def assignment(text: str) -> tuple[str, float]:
    """``NAME=NUMBER``; the name may have an equals sign in it."""
    name, equals, value = text.rpartition("=")
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not (name and equals) or not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=NUMBER")
    return name, number


def pin(text: str) -> tuple[str, Width]:
    """``LAYER=4``, or with the bits of its input ``LAYER=4a8``."""
    name, _, value = text.rpartition("=")
    found = re.fullmatch(r"([0-9]{1,2})(?:a([0-9]{1,2}))?", value)
    if not name or found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not LAYER=BITS with a whole number of bits")
    weight, inputs = found.groups()
    return name, Width(int(weight), None if inputs is None else int(inputs))


def setting(text: str) -> tuple[str, object]:
    """``NAME=VALUE``; a value that is no JSON is a text. Example: lr=1e-3 is ("lr", 0.001)."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value
