"""What held-out images say of the values of single kernels."""

from __future__ import annotations

import statistics

from qcore.cli.show import show_table
from qcore.sensitivity.kernel_shrinkage import KernelShrinkage


def show_shrinkage(shrinkage: KernelShrinkage | None) -> None:
    """Print how far the rows of kernels were shrunk, and the evidence at each width."""
    if shrinkage is None:
        print("\nrows of kernels: one image has no second half, so nothing was shrunk")
        return
    kept = sorted(shrinkage.kept)
    print(
        "\nrows of kernels are shrunk towards one gain a layer where that helps: of their distance "
        f"from it\n{statistics.median(kept):.2f} is kept (median layer; {kept[0]:.2f} to "
        f"{kept[-1]:.2f}). Held-out check on {shrinkage.images:,} images: values of one\nhalf "
        "against the other half's, squared error relative to raw values, and rank correlation:"
    )
    names = ("bits", "error raw", "one gain", "shrunk", "rank raw", "one gain", "shrunk", "shown")
    rows = [
        (
            str(one.bits),
            *(_text(value) for value in (1.0, one.prior_error, one.shrunk_error)),
            *(_text(value) for value in (one.raw_rank, one.prior_rank, one.shrunk_rank)),
            one.shown,
        )
        for one in shrinkage.held_out
    ]
    show_table(names, rows)
    if shrinkage.raw_bits:
        print(
            f"\nAt {', '.join(map(str, shrinkage.raw_bits))} bits the two halves agree better "
            "without shrinking: raw values are shown."
        )


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
