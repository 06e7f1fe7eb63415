"""Why: prices of the budgets, and a table of layers in which bits are pinned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from qcore.allocate.explain import LayerExplanation, Step
from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.allocation import session, units
from ui.allocation.dial import costs_of_pinning
from ui.allocation.dialled import with_pin
from ui.allocation.explained import Why, why_of
from ui.allocation.workbench import Answer
from ui.components.live_dial import DialUnit
from ui.state import focus_layer, focused_layer, palette
from ui.theme import bit_color, text_on

_HEIGHT = 420


def why_section(prepared: Prepared, answer: Answer) -> None:
    """Prices, the focused layer in words, and the table."""
    why = why_of(answer)
    if why is None:
        st.info("The solvers ran out of time on the questions why; loosen the second budget.")
        return
    names = [layer.name for layer in prepared.network.layers]
    focus = names.index(focused_layer(prepared))
    st.markdown(_price_words(why, answer))
    st.markdown(_pin_words(answer, focus, names[focus]))
    order = [focus, *(i for i in range(len(names)) if i != focus)]
    key = f"why-{abs(hash((answer.dialled.pins, names[focus])))}"
    st.data_editor(
        _styled(pd.DataFrame([_row(prepared, answer, why, i) for i in order])),
        key=key,
        hide_index=True,
        height=_HEIGHT,
        placeholder="",
        disabled=[name for name in _columns(answer) if name != "pin"],
        column_config=_columns(answer),
        on_change=_edited,
        args=(key, [names[i] for i in order]),
        alt="Every layer: its bits, what one step up or down would do, where it flips.",
    )
    st.caption(
        "The focused layer is first. Choose a width under **pin** to fix a layer, clear it to set "
        "it free; or click a bar above."
    )


def _edited(key: str, names: Sequence[str]) -> None:
    """A changed cell pins its layer, an emptied one sets it free."""
    dialled = session.now()
    for row, changed in st.session_state[key]["edited_rows"].items():
        pin = changed.get("pin")
        dialled = with_pin(dialled, names[int(row)], None if pin is None else int(pin))
        focus_layer(names[int(row)])
    session.change(dialled)


def _price_words(why: Why, answer: Answer) -> str:
    """Example: One more kB would save 0.0003 nats."""
    prices = why.explanation.prices
    if prices is None:
        return "No allocation meets the budgets, so no price is known: loosen one."
    unit_of_loss = answer.bench.table.config.unit or "of the measure"
    parts = []
    for name, price in prices.items():
        unit = units.dial_unit(answer.bench.free, name)
        amount = _handful(unit)
        title = units.title(name)
        if price == 0:
            parts.append(f"**{title}** does not bind: more of it would save nothing.")
        else:
            saved = f"{price * amount * unit.per_unit:.2g}"
            parts.append(
                f"**{title}:** {amount:g} {unit.suffix} more would save about {saved} "
                f"{unit_of_loss}."
            )
    return " ".join(parts)


def _handful(unit: DialUnit) -> float:
    """1 of the unit, or the power of ten that is a hundredth of the dial's reach at most."""
    amount = 1.0
    while amount > max(unit.high - unit.low, unit.step) / 20:
        amount /= 10
    return float(f"{amount:g}")


def _pin_words(answer: Answer, focus: int, name: str) -> str:
    """Example: stem.conv at 3 bits; pinned to 2: +0.41, 4: +0.0012 ..."""
    costs = costs_of_pinning(answer, focus)
    bits = answer.problem.options[answer.found.choice[focus]].bits
    begin = f"**{fmt.plain(name)}** has {bits} bits."
    if not costs:
        return begin
    each = ", ".join(
        f"{b} bits {'no loss' if cost == 0 else fmt.loss(cost)}" for b, cost in costs.items()
    )
    return f"{begin} Pinned, the best network within the budgets would lose: {each}."


def _columns(answer: Answer) -> dict[str, Any]:
    suffix = answer.unit.suffix
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "layer": text("layer", pinned=True),
        "bits": number("bits", format="%d", help="Weight bits in this allocation."),
        "pin": st.column_config.SelectboxColumn(
            "pin",
            options=list(dict.fromkeys(answer.problem.bits)),
            help="Fix this layer's bits; empty: the solver decides.",
        ),
        "share": number("weights", format="%.1f %%", help="Share of all weights."),
        "loss": number("ΔL here", format="%+.5f", help="What this layer adds at its bits."),
        "interval": text("95 %", help="Interval of that ΔL."),
        "rate": st.column_config.ProgressColumn(
            "flips",
            format="%.0f %%",
            min_value=0,
            max_value=100,
            help="How often the layer's bits change when all sensitivities are drawn anew within "
            "their intervals (200 draws). High: the choice is within the noise.",
        ),
        "up_loss": number("one up: ΔL", format="%+.5f", help="The next wider option."),
        "up_cost": number(f"one up: {suffix}", format="%+.3f"),
        "down_loss": number("one down: ΔL", format="%+.5f", help="The next narrower option."),
        "down_cost": number(f"one down: {suffix}", format="%+.3f"),
        "below": number(
            f"fewer below ({suffix})",
            format=f"%.{answer.unit.decimals}f",
            help="Along the frontier, under this budget the layer gets fewer bits.",
        ),
        "above": number(
            f"more from ({suffix})",
            format=f"%.{answer.unit.decimals}f",
            help="Along the frontier, from this budget on the layer gets more bits.",
        ),
        "pin_cost": number("pin costs", format="%+.5f", help="ΔL that its pin adds in all."),
    }


def _row(prepared: Prepared, answer: Answer, why: Why, index: int) -> dict[str, Any]:
    layer = prepared.network.layers[index]
    found = why.explanation.layers[index]
    measured = answer.bench.table.config.widths[found.option]
    row = answer.bench.table.row(layer.name, measured.bits, measured.activation_bits)
    rates = why.rates
    return {
        "layer": layer.name,
        "bits": answer.problem.options[found.option].bits,
        "pin": dict(answer.dialled.pins).get(layer.name),
        "share": 100 * layer.weight_count / prepared.network.weight_count,
        "loss": None if row is None else row.delta_loss,
        "interval": "" if row is None else fmt.interval(row.ci_low, row.ci_high),
        "rate": None if rates is None else 100 * float(rates[index]),
        **_step("up", found.up, answer.unit),
        **_step("down", found.down, answer.unit),
        **_flips(found, answer),
        "pin_cost": found.pin_cost,
    }


def _step(name: str, step: Step | None, unit: DialUnit) -> dict[str, float | None]:
    return {
        f"{name}_loss": None if step is None else step.loss,
        f"{name}_cost": None if step is None else step.cost / unit.per_unit,
    }


def _flips(found: LayerExplanation, answer: Answer) -> dict[str, float | None]:
    """The budgets as the dial shows them: with what no layer decides."""
    offset = answer.problem.offsets[answer.dialled.budget]
    ends = {"below": found.flips_below, "above": found.flips_above}
    return {
        name: None if value is None else (value + offset) / answer.unit.per_unit
        for name, value in ends.items()
    }


def _styled(frame: pd.DataFrame) -> Any:
    """Bits in the bit ramp; the first row, the focused layer, in the colour of focus."""
    focus = palette().focus

    def ramp(bits: Any) -> str:
        color = bit_color(bits)
        return f"background-color: {color}; color: {text_on(color)}"

    def first(column: pd.Series) -> list[str]:
        return [f"color: {focus}; font-weight: bold", *[""] * (len(column) - 1)]

    frame = frame.astype({"pin": "Int64"})
    return frame.style.map(ramp, subset=["bits"]).apply(first, subset=["layer"])
