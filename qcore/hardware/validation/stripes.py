"""Stripes: why nothing can be compared with its paper."""

from __future__ import annotations

from qcore.hardware.validation.figures import Validation


def stripes() -> Validation:
    return Validation("stripes", (), (), _WORDS, _SOURCES)


_WORDS = (
    "No figures of single layers or of networks at known bits are published. The paper's measured "
    "gain is 1.92 times on average (1.30 to 4.51) at the bits that its networks need; which these "
    "are is not known here, so it cannot be compared. The model follows the paper's ideal: a "
    "convolution takes bits / 16 of its time at 16-bit inputs."
)
_SOURCES = "Stripes (Judd et al. 2016, MICRO): abstract"
