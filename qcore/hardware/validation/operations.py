"""Energy per operation against the figures that it was not scaled from."""

from __future__ import annotations

from qcore.hardware.operation_energy import ADD_32_BIT_PJ, DRAM_64_BITS_PJ, multiply_accumulate_pj
from qcore.hardware.pair import BitPair
from qcore.hardware.validation.figures import Published, Validation


def operations() -> Validation:
    wide = multiply_accumulate_pj(BitPair(32, 32)) - ADD_32_BIT_PJ
    return Validation(
        "operations",
        (
            Published("a 32-bit integer multiplication", 3.1, wide, "pJ"),
            Published("32 bits from DRAM", 640.0, DRAM_64_BITS_PJ / 2, "pJ"),
        ),
        (),
        "The 8-bit multiplication, the additions, float32 and DRAM are Horowitz's own. What "
        "is checked: scaled from 8 to 32 bits the multiplication comes back to his, and DRAM "
        "to another paper's. No energy of a whole network is compared with a measured one; his "
        "upper figure for DRAM alone is twice the lower.",
        "Horowitz 2014, ISSCC, figure 1.1.9; the DRAM figure that EIE and Deep Compression use "
        "(Han et al. 2016)",
    )
