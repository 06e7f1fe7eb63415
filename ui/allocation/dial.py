"""The dial: what it shows, and what is done with it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from qcore.allocate import SolverTimeout
from qcore.allocate.pin_cost import pin_costs
from qcore.hardware.size import full_precision_bytes
from qcore.prepare.prepared import Prepared
from ui.allocation import session
from ui.allocation.dialled import MOST_KEPT, Dialled, with_kept, with_pin
from ui.allocation.points import answer_point, marks, path_points
from ui.allocation.units import about, amount, dial_unit, four_digits, own, shown, title
from ui.allocation.words import predicted_label, proof_words
from ui.allocation.workbench import Answer
from ui.components.live_dial import (
    DialEvent,
    DialLayer,
    DialMeasured,
    DialTile,
    LiveDial,
    live_dial,
)
from ui.state import focus_layer, focused_layer, palette

KEY = "allocate-dial"


def dial(prepared: Prepared, answer: Answer, measured: tuple[DialMeasured, ...]) -> None:
    """Draw it."""
    dialled = answer.dialled
    budget = title(dialled.budget).lower()
    live_dial(
        _view(prepared, answer, measured),
        KEY,
        f"A dial of {budget}; above it bars of the weight bits of each layer and the predicted "
        f"loss against {budget}.",
        palette(),
        lambda event: _done(event, prepared, answer),
    )


def _view(prepared: Prepared, answer: Answer, measured: tuple[DialMeasured, ...]) -> LiveDial:
    names = [layer.name for layer in prepared.network.layers]
    focus = names.index(focused_layer(prepared))
    return LiveDial(
        unit=answer.unit,
        value=shown(answer.value, answer.unit),
        path=path_points(answer.bench, answer.dialled),
        confirmed=None if answer.allocation is None else answer_point(answer),
        confirmed_text=proof_words(answer),
        layers=_layers(prepared, answer),
        focus=focus,
        marks=marks(answer.bench, answer.dialled),
        measured=measured,
        tiles=_tiles(prepared, answer),
        quantity=answer.bench.table.config.quantity_in_unit(),
        full_bytes=full_precision_bytes(prepared.network),
        pin_costs=costs_of_pinning(answer, focus),
        can_undo=session.can_undo(),
        can_redo=session.can_redo(),
        can_keep=len(answer.dialled.kept) < MOST_KEPT,
        confirmed_state="confirmed" if answer.infeasible is None else "infeasible",
    )


def _layers(prepared: Prepared, answer: Answer) -> tuple[DialLayer, ...]:
    network, problem, pins = prepared.network, answer.bench.free, dict(answer.dialled.pins)
    return tuple(
        DialLayer(
            layer.name,
            layer.name,
            layer.weight_count / network.weight_count,
            dict(zip(problem.bits, losses.tolist(), strict=True)),
            pins.get(layer.name),
        )
        for layer, losses in zip(network.layers, problem.losses, strict=True)
    )


def _tiles(prepared: Prepared, answer: Answer) -> tuple[DialTile, ...]:
    names = answer.bench.free.names
    full = amount("size_bytes", full_precision_bytes(prepared.network))
    quantity = answer.bench.table.config.quantity_in_unit()
    timed = [name for name in ("latency_ms", "energy_mj") if name in names]
    return (
        _tile(answer, "size_bytes"),
        DialTile("ratio", "Smaller than 32 bit", f"The whole network at 32 bit is {full}."),
        _tile(answer, "average_bits"),
        _tile(answer, "bops"),
        *(_tile(answer, name) for name in timed),
        DialTile(
            "loss",
            predicted_label(answer),
            f"Sum of the layers' {quantity}, with its 95 % interval. What layers do to each other "
            "is not in it: measure to know.",
        ),
    )


def _tile(answer: Answer, name: str) -> DialTile:
    """A cost in the unit of its own dial, in at least four digits where that is not the one that
    is dialled; average bits need no suffix."""
    unit = dial_unit(answer.bench.free, name)
    decimals = unit.decimals
    if name != answer.unit.cost:
        decimals = max(decimals, four_digits(unit.low))
    suffix = "" if name == "average_bits" else unit.suffix
    return DialTile(name, unit.label, about(name), unit.per_unit, decimals, suffix)


def costs_of_pinning(answer: Answer, layer: int) -> Mapping[int, float] | None:
    """What pinning a layer to each width adds to the loss; None where nothing is feasible."""
    if answer.infeasible is not None or answer.allocation is None:
        return None
    return _costs_of_pinning(answer.key, answer, layer)


@st.cache_data(max_entries=512, show_spinner=False)
def _costs_of_pinning(key: str, _answer: Answer, layer: int) -> dict[int, float] | None:
    try:
        added = pin_costs(_answer.problem.problem, layer)
    except SolverTimeout:
        return None
    known = zip(_answer.problem.bits, added.tolist(), strict=True)
    return {bits: cost for bits, cost in known if math.isfinite(cost)}


def _done(event: DialEvent, prepared: Prepared, answer: Answer) -> None:
    """What an event means; runs before the page does."""
    dialled: Dialled = session.now()
    layers = prepared.network.layers
    if event.kind == "released" and event.value is not None:
        session.change(session.at_value(own(event.value, answer.unit)))
    elif event.kind == "pin" and event.layer is not None:
        focus_layer(layers[event.layer].name)
        session.change(with_pin(dialled, layers[event.layer].name, event.bits))
    elif event.kind == "focus" and event.layer is not None:
        focus_layer(layers[event.layer].name)
    elif event.kind == "undo":
        session.undo()
    elif event.kind == "redo":
        session.redo()
    elif event.kind == "keep" and answer.allocation is not None:
        session.change(with_kept(dialled, answer.widths))
