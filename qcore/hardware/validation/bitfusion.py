"""BitFusion against the table of another simulator of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from qcore.hardware.bitfusion import BITFUSION
from qcore.hardware.model import Cost, FloatArray
from qcore.hardware.pair import BitPair
from qcore.hardware.validation.bismo import totals_ms
from qcore.hardware.validation.figures import Errors, Published, Validation, errors_of
from qcore.hardware.validation.networks import mobilenet_v1
from qcore.hardware.validation.tables import ApqLayer, apq_table

CYCLES_PER_MS = 500e3
HAQ_V1_MS = 20.08
"""MobileNet V1 at 8/8 bits, HAQ's table 4."""

_KINDS: dict[str, Callable[[ApqLayer], bool]] = {
    "all layers": lambda entry: True,
    "1x1": lambda entry: entry.layer.groups == 1,
    "depthwise": lambda entry: entry.layer.groups > 1,
}


def bitfusion() -> Validation:
    table = apq_table()
    costs = [BITFUSION.cost(entry.layer, entry.pairs, 1) for entry in table]
    (v1_ms,) = totals_ms(mobilenet_v1(), BITFUSION, (BitPair(8, 8),))
    return Validation(
        "bitfusion",
        (Published("MobileNet V1 at 8/8 bits, on HAQ's machine", HAQ_V1_MS, v1_ms, "ms"),),
        (
            *_errors("latency", table, [entry.cycles for entry in table], _cycles(costs)),
            *_errors("energy", table, [entry.energy_mj for entry in table], _energy(costs)),
        ),
        "The table was computed by a simulator, not measured on a chip, and the model was derived "
        "from it: the search, its sizes and rounding for the latency, three constants for the "
        "energy. So the errors say that this simulator is met, for 1x1 and depthwise convolutions "
        "at 4, 6 and 8 bits and one image; of other layers and bits nothing is published. HAQ's "
        "total is no check: it is of another machine, whose size is not known here (a smaller "
        "array would give such times; that is a guess).",
        "the BitFusion latency and energy table of APQ (Wang et al. 2020), 16x32 fusion units at "
        "500 MHz; HAQ (Wang et al. 2019), table 4",
    )


def _errors(
    what: str,
    table: Sequence[ApqLayer],
    published: Sequence[FloatArray],
    modelled: Sequence[FloatArray],
) -> tuple[Errors, ...]:
    chosen = {kind: [i for i, e in enumerate(table) if of(e)] for kind, of in _KINDS.items()}
    return tuple(
        errors_of(
            f"{what}, {kind}",
            np.concatenate([published[i] for i in indices]),
            np.concatenate([modelled[i] for i in indices]),
        )
        for kind, indices in chosen.items()
    )


def _cycles(costs: Sequence[Cost]) -> list[FloatArray]:
    found = [cost.latency_ms for cost in costs]
    return [ms * CYCLES_PER_MS for ms in found if ms is not None]


def _energy(costs: Sequence[Cost]) -> list[FloatArray]:
    return [cost.energy_mj for cost in costs if cost.energy_mj is not None]
