"""Where each layer stands below the roof of the machine, and where it goes at other bits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from qcore.graph.layer import Layer
from qcore.hardware import BitPair
from qcore.hardware.at_bits import NetworkAtBits
from qcore.hardware.bound import Bound, bounds
from qcore.hardware.model import Roof
from qcore.quantize.limits import GRID_BITS
from ui import format as fmt
from ui.allocation.units import amount
from ui.charts import chart
from ui.figures.bounds import BOUNDS
from ui.figures.roofline import Dot, Trail, roofline_figure
from ui.select import focus_clicked
from ui.state import palette

_MOST_ROOFS = 4


def roofline_section(run: NetworkAtBits, focus: str) -> None:
    """The plot, or why there is none."""
    if run.hardware.roof is None:
        st.info(_no_roof(run), icon=":material/info:")
        return
    found = dots(run)
    if not found:
        st.info("No layer runs at these bits on this hardware.", icon=":material/info:")
        return
    chart(
        roofline_figure(found, roofs(run), trails(run, focus), focus, palette()),
        "hardware-roofline",
        "Each layer's operations a second against its operations per byte, below the best that the "
        "machine reaches.",
        focus_clicked,
    )
    st.caption(
        "A multiply-accumulate is two operations. Below the slope memory is the limit, below the "
        "flat line the multipliers; a dot far below both waits for something else, or leaves part "
        "of the machine idle. A layer is bound by what takes longest in it, which may be hidden "
        "behind multiplying; the bars above show what is not. The numbered marks show the focused "
        "layer at other bits."
    )


def _no_roof(run: NetworkAtBits) -> str:
    if not run.hardware.has_latency:
        return (
            "No roofline: this is no particular machine, so there is no best speed and no memory "
            "bandwidth to stay below."
        )
    return (
        "No roofline: these figures are times alone. What the hardware could reach at best, and "
        "the bytes that it moves, are not known."
    )


def dots(run: NetworkAtBits) -> list[Dot]:
    """Layers that run and move anything, in running order; also those that no total counts."""
    each = zip(run.network.layers, run.pairs, strict=True)
    found = [_dots(run, layer, [pair])[0] for layer, pair in each]
    return [dot for dot in found if dot is not None]


def _dots(run: NetworkAtBits, layer: Layer, pairs: Sequence[BitPair]) -> list[Dot | None]:
    """A layer at each pair, None where there is no figure or nothing is moved."""
    taken = [pair for pair in pairs if run.hardware.takes(pair) and not pair.pruned]
    cost = run.hardware.cost(layer, taken, run.batch)
    if cost.latency_ms is None or cost.moved_bytes is None:
        return [None] * len(pairs)
    limits: Sequence[Bound | None] = [None] * len(taken)
    if cost.busy is not None:
        limits = bounds(cost.busy)
    figures = zip(taken, cost.latency_ms, cost.moved_bytes, limits, strict=True)
    found = {pair: _dot(run, layer, pair, float(t), float(m), b) for pair, t, m, b in figures}
    return [found.get(pair) for pair in pairs]


def _dot(
    run: NetworkAtBits, layer: Layer, pair: BitPair, ms: float, moved: float, bound: Bound | None
) -> Dot | None:
    operations = 2 * layer.macs * run.batch
    if not (ms > 0 and moved > 0 and operations > 0):
        return None
    per_byte, per_s = operations / moved, 1e3 * operations / ms
    lines = [
        f"<b>{fmt.label(layer.name)}</b> at {pair} bits of weights/input",
        f"{amount('latency_ms', ms)}, {speed(per_s)}",
        f"{per_byte:.3g} operations per byte",
        *([] if bound is None else [f"bound by {BOUNDS[bound].short}"]),
        *(["left out of the totals"] if layer.name in run.excluded else []),
    ]
    return Dot(layer.name, per_byte, per_s, bound, "<br>".join(lines))


def roofs(run: NetworkAtBits) -> dict[str, Roof]:
    """Of the pairs of bits that most layers run at, by a label; at most ``_MOST_ROOFS``."""
    roof = run.hardware.roof
    if roof is None:
        return {}
    asked = [pair for pair in run.pairs if run.hardware.takes(pair) and not pair.pruned]
    often = Counter(run.hardware.runs_as(pair) for pair in asked)
    natives = [pair for pair, _ in often.most_common() if pair is not None][:_MOST_ROOFS]
    found = {pair: roof(pair) for pair in natives}
    return {f"{pair} bits: {speed(one.peak_ops_per_s)}": one for pair, one in found.items()}


def trails(run: NetworkAtBits, focus: str) -> list[Trail]:
    """The focused layer at other bits of weights, and at other bits of its input."""
    at = next(i for i, layer in enumerate(run.network.layers) if layer.name == focus)
    layer, pair = run.network.layers[at], run.pairs[at]
    moves = {
        "the focused layer at other weight bits": [
            BitPair(bits, pair.activation_bits) for bits in GRID_BITS
        ],
        "at other input bits": [BitPair(pair.weight_bits, bits) for bits in GRID_BITS],
    }
    found = []
    for title, pairs in moves.items():
        steps = zip(GRID_BITS, _dots(run, layer, pairs), strict=True)
        known = [(bits, dot) for bits, dot in steps if dot is not None]
        if len(known) > 1:
            found.append(Trail(title, [bits for bits, _ in known], [dot for _, dot in known]))
    return found


def speed(per_s: float) -> str:
    """Operations a second. Example: 1.64e12 -> 1.64 TOP/s."""
    for limit, unit in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if per_s >= limit:
            return f"{per_s / limit:.3g} {unit}OP/s"
    return f"{per_s:.3g} OP/s"
