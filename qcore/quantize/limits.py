"""Bit widths and the integers that they give. Free of torch, so that pages may read it."""

MIN_BITS, MAX_BITS = 2, 16

PRUNED = 0
"""The bit width of a pruned kernel: its weights are all zero, and it has no scale (AutoQ, Lou et
al. 2020, arXiv 1902.05690). Nothing is rounded to it, so no quantizer knows it."""

WeightBits = int | tuple[int, ...]
"""One width for all kernels of a layer, or one for each of them; ``PRUNED``, or 2 to 16."""

GRID_BITS = (2, 3, 4, 5, 6, 7, 8)
"""The bit widths whose grid pages can draw over a histogram."""

DEFAULT_BITS = (2, 3, 4, 5, 6, 8)
"""The bit widths that a sensitivity run measures unless told otherwise."""


def checked_bits(bits: int) -> int:
    """``bits`` itself. Raises ValueError outside 2..16, as do the functions below."""
    if not MIN_BITS <= bits <= MAX_BITS:
        raise ValueError(f"bit width must be {MIN_BITS} to {MAX_BITS}, got {bits}")
    return bits


def is_weight_width(bits: object) -> bool:
    """True of ``PRUNED`` and of the whole numbers 2 to 16."""
    if not isinstance(bits, int) or isinstance(bits, bool):
        return False
    return bits == PRUNED or MIN_BITS <= bits <= MAX_BITS


def mean_bits(bits: WeightBits) -> float:
    """Bits of a weight of a layer on average; its kernels have as many weights each. Example: 4 of
    4, and 5 of (0, 8, 7)."""
    return float(bits) if isinstance(bits, int) else sum(bits) / len(bits)


def largest_level(bits: int) -> int:
    """n = 2^(b-1) - 1, the largest signed integer. 8 bits: 127; 2 bits: 1."""
    return full_range(bits)[1]


def restricted_range(bits: int) -> tuple[int, int]:
    """(-n, n) with n = 2^(b-1) - 1: as many integers below zero as above. 8 bits: (-127, 127)."""
    n = largest_level(bits)
    return -n, n


def full_range(bits: int) -> tuple[int, int]:
    """(-2^(b-1), 2^(b-1) - 1): every signed integer, also of signed affine. 8 bits: (-128, 127)."""
    half = 2 ** (checked_bits(bits) - 1)
    return -half, half - 1


def unsigned_range(bits: int) -> tuple[int, int]:
    """(0, 2^b - 1). 8 bits: (0, 255)."""
    return 0, 2 ** checked_bits(bits) - 1
