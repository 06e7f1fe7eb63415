"""What an allocation costs, printed for a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qcore.allocate.bits import BitAllocation
    from qcore.quantize.limits import WeightBits
    from qcore.sensitivity.table import SensitivityTable


def show_totals(costs: dict[str, float], gap: float | None, table: SensitivityTable) -> None:
    loss = f"{costs['loss']:+.4e} {table.config.unit}".strip()
    proof = "optimality not proven" if gap is None else f"gap {gap:.1e}"
    print(
        f"\npredicted {table.config.quantity} {loss}; {costs['size_bytes']:,.0f} bytes, "
        f"{costs['average_bits']:.3f} bits on average, {costs['bops']:,.0f} bit operations, {proof}"
    )
    timed = {"latency_ms": "ms", "energy_mj": "mJ"}
    parts = [f"{costs[name]:,.4g} {unit}" for name, unit in timed.items() if name in costs]
    if parts:
        print(f"{', '.join(parts)} a batch on the chosen hardware")


def show_ledger(table: SensitivityTable, chosen: BitAllocation) -> dict[str, Any]:
    """Bytes by what they hold, and both ratios."""
    from qcore.hardware.size import full_precision_bytes, layers_ratio, network_ratio, size_ledger

    network, corrected = table.network, chosen.corrects_biases
    ledger = size_ledger(network, chosen.bits, corrected)
    parts = {name: count for name, count in asdict(ledger).items() if count}
    layers = layers_ratio(network, chosen.bits)
    whole = network_ratio(network, chosen.bits, corrected)
    words = {name: name.removesuffix("_bytes") for name in parts}
    print(", ".join(f"{words[name]} {count:,}" for name, count in parts.items()) + " bytes")
    print(
        f"{1 / whole:.2f} times smaller than the whole network at 32 bit "
        f"({full_precision_bytes(network):,} bytes)"
        + ("" if not layers else f"; its quantized layers {1 / layers:.2f} times")
    )
    ratios = {"network_ratio": whole, "layers_ratio": layers}
    return {"ledger": {**asdict(ledger), "total_bytes": ledger.total_bytes, **ratios}}


def spread_text(bits: WeightBits | None) -> str:
    """``12 x 3, 4 x 5``: how many kernels have which width."""
    if not isinstance(bits, tuple):
        return f"all {bits}"
    counts = Counter(bits)
    return ", ".join(f"{counts[width]} x {width}" for width in sorted(counts))
