"""What a race makes small: its name, and how its values are drawn and written."""

from __future__ import annotations

import math
from dataclasses import dataclass

from qcore.agents.setting import SearchSetting
from ui.allocation import signed, units
from ui.search.race import Race


@dataclass(frozen=True)
class Scale:
    """``title`` has the unit. ``offset`` is what no layer decides, and so is in no agent's value:
    the bytes that stay 32 bit. ``suffix`` is empty of losses."""

    title: str
    offset: float = 0.0
    per_unit: float = 1.0
    suffix: str = ""

    def whole(self, value: float) -> float:
        """An agent's value with what no layer decides. Example: 45000 bytes with 300: 45300."""
        return value + self.offset

    def write(self, whole: float) -> str:
        """Example: +0.0123; of sizes 45.30 kB."""
        if not self.suffix:
            return signed.loss(whole)
        shown = whole / self.per_unit
        return f"{shown:.{units.four_digits(shown)}f} {self.suffix}"


def scale_of(race: Race, setting: SearchSetting) -> Scale:
    """Bytes in the unit that fits the largest network, or the loss that agents are rewarded by."""
    if race.saves:
        unit = units.dial_unit(setting.layers, "size_bytes")
        return Scale(f"size ({unit.suffix})", setting.offset, unit.per_unit, unit.suffix)
    loss = setting.table.config.quantity_in_unit()
    if race.asked.evaluator != "measured":
        return Scale(f"predicted {loss}")
    return Scale(f"{loss} measured on {race.asked.images:,} images")


def alike(*values: float) -> list[str]:
    """Losses that stand in one line, with as many decimals: +0.0002 to +0.0090."""
    largest = max(map(abs, values))
    if largest < 1e-3:
        return [signed.loss(value) for value in values]
    decimals = max(2 - math.floor(math.log10(largest)), 0)
    return [f"{value:+.{decimals}f}".replace("-", "−") for value in values]
