"""What a network costs: bytes, bit operations, and latency and energy on known machines."""

from qcore.hardware.bismo import BISMO_CLOUD, BISMO_EDGE
from qcore.hardware.model import Hardware
from qcore.hardware.network_costs import HardwareCosts, hardware_costs
from qcore.hardware.operation_energy import OPERATIONS
from qcore.hardware.pair import BitPair

HARDWARE: dict[str, Hardware] = {
    hardware.name: hardware for hardware in (BISMO_CLOUD, BISMO_EDGE, OPERATIONS)
}
"""Name -> machine. What a person brings or measures is not here, see ``find``."""

__all__ = ["HARDWARE", "BitPair", "Hardware", "HardwareCosts", "hardware_costs"]
