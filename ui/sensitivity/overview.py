"""The table in view: a map of all cells, and lines of the layers one compares."""

from __future__ import annotations

import streamlit as st

from qcore.prepare.prepared import Prepared
from qcore.sensitivity.ranking import ranking, width_in_view
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from ui import format as fmt
from ui.charts import chart
from ui.downloads import download, json_text, rows_csv
from ui.figures.cells import no_loss_shown, refined
from ui.figures.sensitivity import heatmap_figure
from ui.figures.sensitivity_lines import MOST_COMPARED, line_figure
from ui.models import file_name_of
from ui.select import focus_clicked
from ui.sensitivity.halves import halves
from ui.state import focused_layer, palette

_COMPARED, _CHOSEN = "sensitivity_compared", "sensitivity_compared_chosen"
_DEFAULT = "sensitivity_compared_default"
_AT_FIRST = 3


def overview(
    prepared: Prepared, job: Job, table: SensitivityTable, shown: SensitivityTable
) -> None:
    """Heat map and lines of what is ``shown`` of the table, side by side."""
    focus = focused_layer(prepared)
    left, right = halves()
    with left:
        _map(shown, focus)
    with right:
        _lines(shown, focus)
        _about(job, table)


def _map(table: SensitivityTable, focus: str) -> None:
    quantity = fmt.capital(table.config.quantity_in_unit())
    st.markdown(f"**{quantity} of each layer at each bit width.** Click a cell to focus.")
    chart(
        heatmap_figure(table, focus, palette()),
        "sensitivity-map",
        f"{quantity}: layers down, bit widths across; orange above zero, blue below, hatched where "
        "the interval includes zero.",
        focus_clicked,
    )
    st.caption(" ".join(_signs(table)))


def _signs(table: SensitivityTable) -> list[str]:
    """What the marks in the map mean, of those that are there."""
    rows, name = table.rows, table.config.quantity
    signs = [f"Colour is the logarithm of |{name}|."]
    if any(row.delta_loss < 0 for row in rows) and name != "ΔL":
        signs.append("Orange: above zero. Blue: below, by chance.")
    elif any(row.delta_loss < 0 for row in rows):
        signs.append(
            "Orange: loss is added. Blue: it is taken away, as measured; rounding can help by "
            "chance."
        )
    if any(no_loss_shown(row) for row in rows):
        signs.append("Hatched: the 95 % interval includes zero.")
    exact = sum(refined(row, table) for row in rows)
    if exact:
        signs.append(f"Dot: measured exactly ({exact} cells); all others are estimates.")
    return signs


def _lines(table: SensitivityTable, focus: str) -> None:
    names = [layer.name for layer in table.network.layers]
    st.markdown(f"**{fmt.plain(focus)}** and other layers, with 95 % intervals")
    chart(
        line_figure(table, focus, _compared(table, names, focus), palette()),
        "sensitivity-lines",
        f"{fmt.capital(table.config.quantity)} against bit width for {focus} and chosen layers, "
        "all others in grey.",
        focus_clicked,
    )
    st.multiselect(
        "Compared with",
        names,
        key=_COMPARED,
        on_change=_choose,
        args=(names,),
        max_selections=MOST_COMPARED,
        help="The focused layer is always drawn. At first: the most sensitive of the others.",
    )


def _compared(table: SensitivityTable, names: list[str], focus: str) -> list[str]:
    """The visitor's choice, else the most sensitive layers; kept while the network is the same."""
    known: list[str] | None = st.session_state.get(_COMPARED)
    if known is not None and st.session_state.get(_CHOSEN) == names:
        return known
    bits = width_in_view(table.config.bits)
    found = [] if bits is None else [r.layer for r in ranking(table, bits)]
    if not found:  # of a run that begins: the field stays as it is, and nothing is drawn
        return []
    first = [name for name in found if name != focus][:_AT_FIRST]
    st.session_state[_DEFAULT] = first
    if known != first:
        st.session_state[_COMPARED] = first
    return first


def _choose(names: list[str]) -> None:
    """A choice is what differs from what was put there: a browser may send that back late."""
    if st.session_state[_COMPARED] != st.session_state.get(_DEFAULT):
        st.session_state[_CHOSEN] = names


def _about(job: Job, table: SensitivityTable) -> None:
    name = file_name_of(table.network.name)
    with st.container(horizontal=True):
        download("CSV", lambda: rows_csv(table), f"{name}-sensitivity.csv", "sensitivity-csv")
        text = lambda: json_text(table.to_json())  # noqa: E731
        download("JSON", text, f"{name}-sensitivity.json", "sensitivity-json")
    st.caption(
        f"{_extent(table, job.active)}. Quantizer: {table.quantizer}. "
        f"{fmt.capital(table.config.quantity)} of single layers need not add up to that of all "
        "together: errors can cancel. The JSON is what `python -m qcore allocate` reads."
    )


def _extent(table: SensitivityTable, active: bool) -> str:
    """How much of the table there is, and what it took."""
    text = f"{len(table.rows)} of {table.cells} cells"
    if table.refine_passes is not None:
        text += f", {table.refined_cells} of them exact, in {table.refine_passes:.0f}"
        text += f" of {table.config.refine} forward passes"
    elif active and table.config.refine is not None and table.complete:
        text += ", provisional: exact values follow once all images are through"
    elif active:
        text += ", provisional: more images follow"
    if table.config.tolerance is not None and not active:
        used = sum(row.samples for row in table.rows) / (table.cells * table.config.images)
        text += f", {fmt.share(used)} of the image evaluations that all would have taken"
    if table.config.method == "projected":
        text += (
            ". Intervals of estimates say how much other images would move them, not what the "
            "expansion leaves out where bits are few: the trust check does"
        )
    return text
