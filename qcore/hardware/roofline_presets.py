"""Rooflines of four real machines, from what their makers state."""

from __future__ import annotations

from qcore.hardware.roofline import Peak, Roofline

# Cores x GHz x operations of a core in a cycle (a multiply-accumulate is two).
_PHONE_GHZ = 2.84 + 3 * 2.42
_DESKTOP_GHZ = 8 * 4.5

PRESETS: dict[str, Roofline] = {
    "phone-cpu": Roofline(
        title="Roofline: phone CPU (Snapdragon 855)",
        source=(
            "The four large cores (Cortex-A76): one at 2.84 and three at 2.42 GHz, 10.1 GHz "
            "together. Two vector units of 128 bits make 16 float32, 32 float16 or, as 8-bit "
            "dot products, 64 operations a cycle: 161.6, 323.2 and 646.4 giga-operations a "
            "second. Clocks and LPDDR4X memory of 4 x 16 bits at 4.266 GT/s as WikiChip lists "
            "them, 34.1 GB/s as PhoneDB has it for the 855+ with the same memory; float "
            "multiply-adds on both units as in LLVM's model of the related Neoverse N1; that "
            "dot products run on both as well was not checked. 16 bits are float16. The small "
            "cores, the GPU and the DSP are not counted"
        ),
        peaks=(
            Peak(None, None, 16 * _PHONE_GHZ),
            Peak(16, 16, 32 * _PHONE_GHZ),
            Peak(8, 8, 64 * _PHONE_GHZ),
        ),
        gigabytes_per_s=34.1,
    ),
    "desktop-cpu": Roofline(
        title="Roofline: desktop CPU (Ryzen 7 7700X)",
        source=(
            "8 cores (Zen 4) at the base clock of 4.5 GHz. Two multiply-add units of 256 bits "
            "make 32 float32 operations a cycle or, as 8-bit dot products (VNNI), 128: 1,152 "
            "and 4,608 giga-operations a second. Two channels of DDR5-5200 (found for the "
            "7800X3D of the same series), 8 bytes each: 83.2 GB/s. Clock and cores as AMD "
            "announced them; the units' widths are the usual account of Zen 4, and that 8-bit "
            "dot products run on both of them was not checked. 9 to 16 bits run as float32"
        ),
        peaks=(Peak(None, None, 32 * _DESKTOP_GHZ), Peak(8, 8, 128 * _DESKTOP_GHZ)),
        gigabytes_per_s=83.2,
    ),
    "edge-gpu": Roofline(
        title="Roofline: edge GPU (Jetson AGX Orin 64 GB)",
        source=(
            "The GPU alone at its highest power mode. NVIDIA's technical brief, as summarised: "
            "5.3 float32 TFLOPS and 170 sparse INT8 TOPS, of which half, 85, are dense; float16 "
            "runs at half the rate of INT8. 256 bits of LPDDR5 at 6.4 GT/s: 204.8 GB/s, from "
            "the data sheet, not read again. 16 bits are float16. The two DLA accelerators, "
            "sparsity and 4-bit operations are not counted"
        ),
        peaks=(Peak(None, None, 5_300.0), Peak(16, 16, 42_500.0), Peak(8, 8, 85_000.0)),
        gigabytes_per_s=204.8,
    ),
    "datacentre-gpu": Roofline(
        title="Roofline: data-centre GPU (NVIDIA T4)",
        source=(
            "NVIDIA's figures as the press reported them in September 2018: 8.1 float32 TFLOPS, "
            "65 float16 TFLOPS, 130 INT8 and 260 INT4 TOPS, GDDR6 memory at 320 GB/s; the data "
            "sheet itself was not read again. 16 bits are float16. Its 70 W keep it below these "
            "rates for long work"
        ),
        peaks=(
            Peak(None, None, 8_100.0),
            Peak(16, 16, 65_000.0),
            Peak(8, 8, 130_000.0),
            Peak(4, 4, 260_000.0),
        ),
        gigabytes_per_s=320.0,
    ),
}
"""Name -> roofline; in ``HARDWARE`` each is called ``roofline:NAME``."""
