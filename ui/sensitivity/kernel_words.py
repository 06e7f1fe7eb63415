"""What was done to the values of single kernels, and whether it helped, in words."""

from __future__ import annotations

from qcore.sensitivity.kernel_estimates import KernelEstimates
from qcore.sensitivity.kernel_shrinkage import HeldOut
from ui import format as fmt


def shrinkage_words(found: KernelEstimates, layer: str, bits: int) -> str:
    """How far this layer's kernels were shrunk, the held-out check, and what it cannot show."""
    known = found.shrinkage
    if known is None:
        return "One image has no second half to check with: these are raw values."
    done = (
        "Few images have seen each kernel, so its raw mean (dash, maybe outside the interval) is "
        "pulled towards what the size of its rounding error alone would say; in this layer "
        f"{fmt.share(known.of(layer))} of the distance is kept, as far as two halves of the "
        f"{known.images:,} images agree."
        if found.is_shrunk(bits)
        else f"At {bits} bits the two halves agree better without shrinking: raw values are shown."
    )
    return (
        f"{done} {_checked(known.at(bits))} Kernels that serve what these images do not show look "
        "harmless here: no check on the same images can tell."
    )


def _checked(one: HeldOut) -> str:
    """Example: Held-out check at 2 bits, ... the other half's: squared error 22 % less ..."""
    parts = []
    if one.shrunk_error is not None:
        change = one.shrunk_error - 1
        parts.append(
            f"squared error {fmt.share(abs(change))} {'more' if change > 0 else 'less'} than that "
            "of raw values"
        )
    if one.shrunk_rank is not None and one.raw_rank is not None:
        parts.append(f"rank correlation {one.shrunk_rank:.2f} (raw {one.raw_rank:.2f})")
    if not parts:
        return ""
    return (
        f"Held-out check at {one.bits} bits, one half's shrunk values of all kernels against the "
        f"other half's: {', '.join(parts)}."
    )
