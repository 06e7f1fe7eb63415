"""Compared configurations as a table: a row a quantity, a column a configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from ui import format as fmt
from ui.allocation import session, signed, units
from ui.allocation.compared import Compared
from ui.allocation.dialled import without_kept
from ui.allocation.words import predicted_label
from ui.allocation.workbench import Answer
from ui.evaluations import start

_SHOWN = ("size_bytes", "average_bits", "bops", "latency_ms", "energy_mj")


@dataclass(frozen=True)
class _Quantity:
    """A row: its title with the unit, what each configuration has (None: nothing known), how that
    and a difference are written, and whether less is better."""

    title: str
    values: tuple[float | None, ...]
    write: Callable[[float], str]
    write_change: Callable[[float], str]
    less_is_better: bool = True


def compare_table(each: Sequence[Compared], reference: Compared, answer: Answer) -> None:
    """Each value with its difference to the reference; Remove and Measure below the names."""
    _heads(each)
    at = next(i for i, one in enumerate(each) if one is reference)
    for row in _quantities(each, answer):
        cells = _row(len(each))
        cells[0].markdown(row.title)
        for number, (cell, value) in enumerate(zip(cells[1:], row.values, strict=True)):
            other = None if number == at else row.values[at]
            cell.markdown(_cell(row, value, other))
    if any(one.costs is None for one in each):
        st.caption(
            "A configuration without figures has widths that this table does not have, or that the "
            "chosen hardware does not run."
        )
    if any(one.per_kernel for one in each):
        st.caption(
            "Bits per kernel that a search found: time and energy are not known of layers of "
            "several widths, and their predicted ΔL only where the search was of the run above."
        )


def _row(count: int) -> list[st.delta_generator.DeltaGenerator]:
    return list(st.columns([1.35, *[1] * count], gap="xxsmall"))


def _heads(each: Sequence[Compared]) -> None:
    cells = _row(len(each))
    for cell, one in zip(cells[1:], each, strict=True):
        with cell.container(gap="xxsmall"):
            about = None if one.origin is None else one.origin.about or None
            st.markdown(f"**{one.name}**{_origin(one)}", help=about)
            if one.number is not None:
                st.button(
                    "Remove",
                    key=f"remove-{one.name}",
                    type="tertiary",
                    on_click=lambda number=one.number: session.change(
                        without_kept(session.now(), number)
                    ),
                )
            found = one.measurement
            if found is not None and not found.asked:
                st.button(
                    "Measure",
                    key=f"measure-{one.name}",
                    type="tertiary",
                    on_click=start,
                    args=([found],),
                    help="On held-out images; the result is kept.",
                )


def _origin(one: Compared) -> str:
    """Below its letter: who found it."""
    if one.origin is None:
        return ""
    return f"  \n:small[{fmt.plain(one.origin.name)}{', per kernel' * one.per_kernel}]"


def _quantities(each: Sequence[Compared], answer: Answer) -> list[_Quantity]:
    rows = [_cost(name, each, answer) for name in _SHOWN if name in answer.costs]
    predicted = tuple(None if one.costs is None else one.costs.get("loss") for one in each)
    measured = tuple(one.measured_loss for one in each)
    rows.append(_Quantity(predicted_label(answer), predicted, signed.loss, signed.loss))
    rows.append(_Quantity("Measured ΔL", measured, signed.loss, signed.loss))
    results = [one.measurement.result if one.measurement else None for one in each]
    for title, name in (("Accuracy (%)", "accuracy"), ("Agreement (%)", "agreement")):
        found = [None if result is None else getattr(result, name) for result in results]
        shares = tuple(None if share is None else 100 * share for share in found)
        if any(share is not None for share in shares):
            rows.append(_Quantity(title, shares, "{:.1f}".format, _difference(1), False))
    return rows


def _cost(name: str, each: Sequence[Compared], answer: Answer) -> _Quantity:
    """All in the unit of the dial, so that digits line up."""
    unit = units.dial_unit(answer.bench.free, name)
    found = [None if one.costs is None else one.costs.get(name) for one in each]
    values = tuple(None if cost is None else cost / unit.per_unit for cost in found)
    title = units.title(name) + f" ({unit.suffix})" * (name != "average_bits")
    return _Quantity(title, values, f"{{:.{unit.decimals}f}}".format, _difference(unit.decimals))


def _difference(decimals: int) -> Callable[[float], str]:
    return lambda value: f"{value:+.{decimals}f}".replace("-", "−")


def _cell(row: _Quantity, value: float | None, other: float | None) -> str:
    """The value, and below it in green or red how much better or worse it is."""
    if value is None:
        return "–"
    text = f"**{row.write(value)}**"
    if other is None or row.write(value) == row.write(other):
        return text
    color = "green" if (value < other) == row.less_is_better else "red"
    return f"{text}  \n:{color}[:small[{row.write_change(value - other)}]]"
