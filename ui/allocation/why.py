"""Why: prices of the budgets, and a table of layers in which bits are pinned."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from qcore.prepare.prepared import Prepared
from ui import format as fmt
from ui.allocation import session, signed, units
from ui.allocation.dial import costs_of_pinning
from ui.allocation.dialled import with_pin
from ui.allocation.explained import Why, why_of
from ui.allocation.why_table import columns, layer_row, styled
from ui.allocation.workbench import Answer
from ui.components.live_dial import DialUnit
from ui.state import focus_layer, focused_layer

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
    _pin_costs(answer, focus, names[focus])
    order = [focus, *(i for i in range(len(names)) if i != focus)]
    key = f"why-{abs(hash((answer.dialled.pins, names[focus])))}"
    st.data_editor(
        styled(pd.DataFrame([layer_row(prepared, answer, why, i) for i in order])),
        key=key,
        hide_index=True,
        height=_HEIGHT,
        placeholder="",
        disabled=[name for name in columns(answer) if name != "pin"],
        column_config=columns(answer),
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


def _pin_costs(answer: Answer, focus: int, name: str) -> None:
    """A small table: what the best network with the layer at each width would lose more."""
    costs = costs_of_pinning(answer, focus)
    bits = answer.problem.options[answer.found.choice[focus]].bits
    begin = f"**{fmt.plain(name)}** has {bits} bits."
    if not costs:
        st.markdown(begin)
        return
    unit = answer.bench.table.config.unit
    st.markdown(f"{begin} Pinned, the best network within the budgets would lose more:")
    quantity = f"ΔL added ({unit})" if unit else "ΔL added"
    added = [signed.loss(cost) for cost in costs.values()]
    table = pd.DataFrame([added], index=[quantity], columns=[f"{b} bits" for b in costs])
    st.table(table, width="content", alt="What pinning the focused layer to each width would add.")
