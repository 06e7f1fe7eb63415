"""What a network costs: bytes, bit operations, and latency and energy on known machines."""

from qcore.hardware.bismo import BISMO_CLOUD, BISMO_EDGE
from qcore.hardware.bitfusion import BITFUSION
from qcore.hardware.model import Hardware
from qcore.hardware.network_costs import HardwareCosts, hardware_costs
from qcore.hardware.operation_energy import OPERATIONS
from qcore.hardware.pair import BitPair
from qcore.hardware.roofline import roofline_hardware
from qcore.hardware.roofline_presets import PRESETS
from qcore.hardware.stripes import STRIPES

HARDWARE: dict[str, Hardware] = {
    hardware.name: hardware
    for hardware in (
        BISMO_CLOUD,
        BISMO_EDGE,
        BITFUSION,
        STRIPES,
        OPERATIONS,
        *(roofline_hardware(f"roofline:{name}", preset) for name, preset in PRESETS.items()),
    )
}
"""Name -> machine. ``qcore.store.find_hardware`` knows those that a person brought or measured."""

__all__ = ["HARDWARE", "BitPair", "Hardware", "HardwareCosts", "hardware_costs"]
