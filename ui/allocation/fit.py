"""What is left of a sensitivity table, and of pins, on the chosen hardware."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from qcore.allocate.on_hardware import runnable
from qcore.errors import BadInput
from qcore.hardware import Hardware
from qcore.quantize.limits import GRID_BITS
from qcore.sensitivity.config import Width
from qcore.sensitivity.table import SensitivityTable
from ui.allocation.dialled import Dialled

Pins = tuple[tuple[str, int], ...]

_INPUTS = 8  # what hardware for integers begins with


@dataclass(frozen=True, eq=False)
class Fit:
    """``table`` has the widths of ``whole`` that ``hardware`` runs, ``pins`` are those to these
    widths. ``idle`` are the other pins, which wait for other hardware. ``hardware`` is None where
    none is chosen, and where ``trouble`` says why it is left out."""

    whole: SensitivityTable
    table: SensitivityTable
    hardware: Hardware | None
    pins: Pins
    idle: Pins
    trouble: str | None

    @property
    def left_out(self) -> tuple[Width, ...]:
        """Widths of the run that the hardware does not run."""
        left = self.table.config.widths
        return tuple(width for width in self.whole.config.widths if width not in left)

    def dialled(self, asked: Dialled) -> Dialled:
        """What counts of it here: nothing else is lost, ``asked`` stays as it is."""
        return replace(asked, pins=self.pins)


def fit(whole: SensitivityTable, hardware: Hardware | None, asked: Dialled) -> Fit:
    """What runs; hardware that runs nothing of the table is left out with the reason."""
    table, trouble = whole, None
    if hardware is not None:
        try:
            table = runnable(whole, hardware, asked.inputs)
        except BadInput as error:
            hardware, trouble = None, str(error)
    bits = {width.bits for width in table.config.widths}
    pins = tuple(pin for pin in asked.pins if pin[1] in bits)
    idle = tuple(pin for pin in asked.pins if pin[1] not in bits)
    return Fit(whole, table, hardware, pins, idle, trouble)


def pinned_width(table: SensitivityTable, bits: int) -> Width:
    """What a pin to bits of weights is. Of a table with several widths of inputs it is that with
    the widest: a layer is pinned to keep it from harm."""
    inputs = table.config.activation_bits
    return Width(bits, max(inputs)) if inputs else Width(bits)


def inputs_for(whole: SensitivityTable, hardware: Hardware, inputs: int | None) -> int | None:
    """Bits of all inputs that some width of a table of weights alone runs with: ``inputs`` where it
    can be, else 8, else the widest; ``inputs`` again where there are none."""
    if whole.config.target != "weight":
        return None
    wanted = (inputs, _INPUTS, *reversed(GRID_BITS))
    return next((bits for bits in wanted if _runs(whole, hardware, bits)), inputs)


def _runs(whole: SensitivityTable, hardware: Hardware, inputs: int | None) -> bool:
    try:
        runnable(whole, hardware, inputs)
    except BadInput:
        return False
    return True


def full_precision_runs(found: Fit) -> bool:
    """Whether the hardware runs some width of the table with inputs of full precision."""
    return found.hardware is None or _runs(found.whole, found.hardware, None)


def idle_layers(pins: Iterable[tuple[str, int]]) -> list[str]:
    """Example: conv1 (4 bits)."""
    return [f"{layer} ({bits} bits)" for layer, bits in pins]
