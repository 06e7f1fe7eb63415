"""What the live dial shows, and what is done to it: plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class DialUnit:
    """What is dialled: a cost's name, and its value as shown: ``per_unit`` of the cost's own unit
    is one of the dial's. ``low``, ``high`` and ``step`` are as shown, ``suffix`` follows them."""

    cost: str
    label: str
    per_unit: float
    low: float
    high: float
    step: float
    decimals: int
    suffix: str


@dataclass(frozen=True, eq=False)
class DialPoint:
    """One configuration: its costs by name in their own units (None: not known), its predicted
    loss with its interval, and the bits of each layer (a mean where kernels differ, 0: pruned).

    ``kind`` says what it is, as ``frontier``, ``ilp``, ``uniform``; ``label`` names it.
    """

    kind: str
    label: str
    costs: Mapping[str, float | None]
    loss: float
    low: float | None
    high: float | None
    bits: tuple[float, ...]
    input_bits: tuple[int, ...] | None = None


@dataclass(frozen=True, eq=False)
class DialMark:
    """A named set of points on the curve: ``look`` is how they are drawn."""

    name: str
    look: Literal["line", "cloud", "crosses", "diamonds"]
    points: tuple[DialPoint, ...]


@dataclass(frozen=True, eq=False)
class DialMeasured:
    """A measured configuration: cost by name, measured ΔL and its interval."""

    label: str
    costs: Mapping[str, float | None]
    loss: float
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class DialLayer:
    """A bar: ``losses`` is ΔL at each of the widths that can be pinned; ``pin`` the one it is
    pinned to."""

    name: str
    label: str
    weight_share: float
    losses: Mapping[int, float]
    pin: int | None


@dataclass(frozen=True, eq=False)
class DialTile:
    """A headline figure that follows the pointer: of a cost by name, or ``loss``, ``ratio``.

    A cost is shown over ``per_unit`` with so many ``decimals`` and ``suffix``, as ``DialUnit``'s.
    """

    cost: str
    label: str
    help: str
    per_unit: float = 1.0
    decimals: int = 2
    suffix: str = ""


@dataclass(frozen=True, eq=False)
class LiveDial:
    """What is drawn. ``path`` are the configurations that the dial runs through, by rising cost of
    its unit; ``confirmed`` is the optimum at ``value`` (as shown), None where there is none; with
    ``confirmed_state`` "infeasible" the best where the budgets could be met.

    ``pin_costs`` is what pinning the layer in focus to each width adds to the loss, where known.
    ``full_bytes`` is the network at 32 bit. ``can_keep`` is False where no more can be kept.
    """

    unit: DialUnit
    value: float
    path: tuple[DialPoint, ...]
    confirmed: DialPoint | None
    confirmed_text: str
    layers: tuple[DialLayer, ...]
    focus: int
    marks: tuple[DialMark, ...]
    measured: tuple[DialMeasured, ...]
    tiles: tuple[DialTile, ...]
    quantity: str
    full_bytes: float
    pin_costs: Mapping[int, float] | None = None
    can_undo: bool = False
    can_redo: bool = False
    can_keep: bool = True
    confirmed_state: Literal["confirmed", "infeasible"] = "confirmed"


@dataclass(frozen=True)
class DialEvent:
    """What the visitor did. ``value`` is that of a release, as shown; ``layer`` is an index;
    ``bits`` None takes a pin away."""

    kind: Literal["released", "pin", "focus", "undo", "redo", "keep"]
    value: float | None = None
    layer: int | None = None
    bits: int | None = None
