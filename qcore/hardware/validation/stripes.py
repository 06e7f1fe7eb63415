"""Stripes: what can be compared with its paper."""

from __future__ import annotations

from qcore.hardware.pair import BitPair
from qcore.hardware.stripes import STRIPES
from qcore.hardware.validation.bismo import totals_ms
from qcore.hardware.validation.figures import Published, Validation
from qcore.hardware.validation.networks import mobilenet_v1


def stripes() -> Validation:
    return Validation("stripes", _speed_ups(), (), _WORDS, _SOURCES)


def _speed_ups() -> tuple[Published, ...]:
    """The time of 16-bit inputs over that of fewer, beside the ideal 16 / bits."""
    inputs = (16, 8, 4)
    base, *others = totals_ms(mobilenet_v1(), STRIPES, [BitPair(16, bits) for bits in inputs])
    return tuple(
        Published(
            f"MobileNet V1, inputs of {bits} bits against 16, ideal", 16 / bits, base / ms, "times"
        )
        for bits, ms in zip(inputs[1:], others, strict=True)
    )


_WORDS = (
    "No figures of single layers are published. The paper's measured gain is 1.92 times on average "
    "(1.30 to 4.51) at the bits that its networks need; which these are is not known here, so it "
    "cannot be compared. What is shown is that the time of a whole network follows the paper's "
    "ideal, 16 / bits of the inputs."
)
_SOURCES = "Stripes (Judd et al. 2016, MICRO): abstract, and the ideal gain that it is built for"
