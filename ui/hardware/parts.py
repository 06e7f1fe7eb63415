"""What each layer takes, as bars; a click focuses the layer on every page."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from qcore.hardware.at_bits import NetworkAtBits
from qcore.hardware.bound import by_bound
from qcore.hardware.model import FloatArray
from ui import format as fmt
from ui.allocation.units import amount
from ui.charts import chart
from ui.figures.bounds import BOUNDS
from ui.figures.latency_parts import LayerBars, layer_figure
from ui.hardware.about import focused_line
from ui.hardware.run import counted
from ui.select import focus_clicked
from ui.state import palette

_UNITS = {"latency": (("s", 1e3), ("ms", 1.0), ("µs", 1e-3), ("ns", 1e-6))}
_UNITS["energy"] = (("J", 1e3), ("mJ", 1.0), ("µJ", 1e-3), ("nJ", 1e-6))
_BESIDE = 150  # pixels of the second chart


def parts_section(run: NetworkAtBits, focus: str) -> None:
    """Latency, and below it energy where the machine has that."""
    if not run.runs.any():
        st.info(
            "No layer runs at these bits on this hardware, so there is nothing to draw. Choose "
            "others above.",
            icon=":material/info:",
        )
        return
    st.subheader("Where the time goes" if run.hardware.has_latency else "Where the energy goes")
    latency, energy = latency_bars(run), energy_bars(run)
    if latency is not None:
        chart(
            layer_figure(latency, focus, palette()),
            "hardware-latency",
            "Latency of each layer, divided into multiplying and waiting where that is known.",
            focus_clicked,
        )
    if energy is not None:
        small = latency is not None
        chart(
            layer_figure(energy, focus, palette(), _BESIDE if small else 300, named=not small),
            "hardware-energy",
            "Energy of each layer.",
            focus_clicked,
        )
    st.caption(" ".join(filter(None, (focused_line(run, focus), _below(run)))))


def latency_bars(run: NetworkAtBits) -> LayerBars | None:
    """Milliseconds (or what suits) of each layer; None for a machine without."""
    if run.cost.latency_ms is None:
        return None
    unit, per_unit = _unit("latency", run.cost.latency_ms)
    parts = run.parts
    named = None
    if parts is not None:
        each = by_bound(parts)
        named = {bound: (np.nan_to_num(each[bound]) / per_unit).tolist() for bound in counted(run)}
    return LayerBars(
        [layer.name for layer in run.network.layers],
        _known(run.cost.latency_ms / per_unit),
        _texts(run),
        _hovers(run, "latency_ms", run.cost.latency_ms),
        "latency",
        unit,
        named,
        run.shares,
    )


def energy_bars(run: NetworkAtBits) -> LayerBars | None:
    """Millijoules (or what suits) of each layer; None for a machine without."""
    if run.cost.energy_mj is None:
        return None
    unit, per_unit = _unit("energy", run.cost.energy_mj)
    return LayerBars(
        [layer.name for layer in run.network.layers],
        _known(run.cost.energy_mj / per_unit),
        _texts(run),
        _hovers(run, "energy_mj", run.cost.energy_mj),
        "energy",
        unit,
    )


def _unit(quantity: str, values: FloatArray) -> tuple[str, float]:
    """In which the largest bar has one to three digits before the point."""
    largest = float(np.nanmax(values)) if not np.isnan(values).all() else 0.0
    units = _UNITS[quantity]
    return next((one for one in units if largest >= one[1]), units[-1])


def _known(values: FloatArray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def _texts(run: NetworkAtBits) -> list[str]:
    """Bits above each bar."""
    return [
        "left<br>out" if layer.name in run.excluded else str(pair)
        for layer, pair in zip(run.network.layers, run.pairs, strict=True)
    ]


def _hovers(run: NetworkAtBits, name: str, values: FloatArray) -> list[str]:
    whole = float(np.nansum(values))
    found = []
    for i, (layer, pair) in enumerate(zip(run.network.layers, run.pairs, strict=True)):
        lines = [f"<b>{fmt.label(layer.name)}</b> at {pair} bits of weights/input"]
        if layer.name in run.excluded:
            lines.append("left out of the totals")
        elif np.isnan(values[i]):
            lines.append("does not run at these bits")
        else:
            share = f", {fmt.percent(float(values[i]) / whole)} of the network" if whole else ""
            lines += [amount(name, float(values[i])) + share, *_spent(run, i)]
        found.append("<br>".join(lines))
    return found


def _spent(run: NetworkAtBits, layer: int) -> Sequence[str]:
    """What bounds a layer, and each part of its time."""
    parts, whole = run.parts, run.cost.latency_ms
    bound = run.bounds[layer]
    if parts is None or whole is None or bound is None or not whole[layer] > 0:
        return ()
    each = by_bound(parts)
    shares = [
        f"{BOUNDS[part].title} {fmt.share(float(each[part][layer] / whole[layer]))}"
        for part in counted(run)
    ]
    return (f"bound by {BOUNDS[bound].short}", ", ".join(shares))


def _below(run: NetworkAtBits) -> str:
    """What the bars do not say themselves."""
    words = "Bits are weights/input. Click a layer to focus it; every page follows."
    if run.hardware.has_latency and run.parts is None:
        words += " Its figures do not say what a layer's time is spent on."
    if counted(run) == ("compute",):
        words += " Waiting for memory is not counted on this hardware."
    missing = len(run.runs) - int(run.runs.sum())
    if missing:
        noun = "layer has" if missing == 1 else "layers have"
        words += f" {missing} {noun} no bar because the hardware does not run these bits."
    return words
