"""Numbers with a sign, as the dial writes them."""

from __future__ import annotations

from ui import format as fmt
from ui.allocation import units


def loss(value: float) -> str:
    """ΔL with a true minus, three digits of it from a thousandth on: +0.0450, −1.3e−5."""
    if abs(value) >= 1e-3:
        return f"{value:+#.3g}".removesuffix(".").replace("-", "−")
    return fmt.loss(value).replace("e-0", "e-").replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """A confidence interval, empty where there is none."""
    return "" if low is None or high is None else f"{loss(low)} to {loss(high)}"


def cost(name: str, value: float) -> str:
    """A difference of a cost in the unit that fits it: −216 B, +0.0004 bits."""
    sign = "−" if value < 0 else "+"
    if name == "average_bits":
        return f"{sign}{abs(value):.2g} bits"
    return f"{sign}{units.amount(name, abs(value))}"


def ratio(value: float) -> str:
    """Three digits: 4 -> 4.00, 39.84 -> 39.8."""
    return f"{value:#.3g}".removesuffix(".")
