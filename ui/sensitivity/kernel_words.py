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
    return (
        "Few images have seen each kernel, so its raw mean (dash) is pulled towards what the size "
        f"of its rounding error alone would say; in this layer {fmt.share(known.of(layer))} of the "
        f"distance is kept, as far as two halves of the {known.images:,} images agree. "
        f"{_checked(known.at(bits))} Kernels that serve what these images do not show look "
        "harmless here: no check on the same images can tell."
    )


def _checked(one: HeldOut) -> str:
    """Example: Held-out check at 2 bits, all layers: 22 % less squared error ..."""
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
        f"Held-out check at {one.bits} bits, one half's values of all kernels against the other "
        f"half's: {', '.join(parts)}."
    )
