"""The bit widths that can be asked for. Free of torch, so that pages may read it."""

MIN_BITS, MAX_BITS = 2, 16

WEIGHT_QUANTIZER = "symmetric, one scale per kernel, MSE clipping"
"""How every weight is quantized, in the words that pages, files and README use."""

GRID_BITS = (2, 3, 4, 5, 6, 7, 8)
"""The bit widths whose grid pages can draw over a histogram."""

DEFAULT_BITS = (2, 3, 4, 5, 6, 8)
"""The bit widths that a sensitivity run measures unless told otherwise."""
