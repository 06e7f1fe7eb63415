"""What a network costs: bytes, bit operations, and latency and energy on known machines."""

from qcore.hardware.bismo import BISMO_CLOUD, BISMO_EDGE
from qcore.hardware.model import Hardware, HardwareCosts, hardware_costs
from qcore.hardware.operation_energy import OPERATIONS

HARDWARE: dict[str, Hardware] = {
    "bismo-cloud": BISMO_CLOUD,
    "bismo-edge": BISMO_EDGE,
    "operations": OPERATIONS,
}
"""Name -> machine; those without a latency have it None."""

__all__ = ["HARDWARE", "Hardware", "HardwareCosts", "hardware_costs"]
