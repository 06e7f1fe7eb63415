"""ΔL of every layer at every bit width, as a map of cells."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import plotly.graph_objects as go

from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.table import SensitivityTable
from ui import format as fmt
from ui.figures.cells import bits_title, cell_text, no_loss_shown, refined, short_loss
from ui.figures.signed_log import SignedLog, signed_log_for
from ui.figures.unfaded import unfaded
from ui.theme import Palette, finish, text_on

_WIDE, _HIGH = 0.96, 0.92  # of a cell, the rest is the gap
_Placed = tuple[int, int, SensitivityRow]


def heatmap_figure(table: SensitivityTable, focus: str, palette: Palette) -> go.Figure:
    """Layers down, bits across; colour is log |ΔL| with a hue for each sign.

    Hatched where the 95 % interval includes zero, a dot where an estimate was replaced by an exact
    value, nothing where there is no value. The cells are bars, which, unlike heat maps, report
    clicks and can be hatched; their customdata is (layer, bits).
    """
    names = [layer.name for layer in table.network.layers]
    bits = list(table.config.bits)
    rows, columns = ({v: i for i, v in enumerate(values)} for values in (names, bits))
    cells = [(rows[row.layer], columns[row.bits], row) for row in table.rows]
    colours = signed_log_for(row.delta_loss for row in table.rows)
    each = row_pixels(len(names))
    figure = go.Figure()
    _colours(figure, cells, table, colours, palette)
    _hatching(figure, [cell for cell in cells if no_loss_shown(cell[2])], palette)
    _numbers(figure, cells, colours, palette, min(11, each - 4))
    _dots(figure, [cell for cell in cells if refined(cell[2], table)], palette)
    _frame(figure, rows[focus], len(bits), palette)
    # Numbered axes with names on them: the frame stands before the first cell has a value.
    _axis(figure.update_xaxes, [str(b) for b in bits], title=bits_title(table), side="top")
    reach = {"range": [len(names) - 0.5, -0.5], "tickfont": {"size": min(12, each - 2)}}
    _axis(figure.update_yaxes, names, **reach)
    figure.update_layout(barmode="overlay")
    return finish(figure, palette, 64 + each * len(names))


def row_pixels(layers: int) -> int:
    """The height of a row: a table of 50 layers fits a screen, one of 200 can still be read."""
    return min(34, max(13, 800 // layers))


def _colours(
    figure: go.Figure,
    cells: list[_Placed],
    table: SensitivityTable,
    colours: SignedLog,
    palette: Palette,
) -> None:
    marker = {
        "color": [colours.place(row.delta_loss) for _, _, row in cells],
        **colours.scale(palette),
        "line": {"width": 0},
    }
    figure.add_bar(
        **_boxes(cells),
        marker=marker,
        customdata=[[row.layer, row.bits] for _, _, row in cells],
        hovertext=[cell_text(row, table) for _, _, row in cells],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _hatching(figure: go.Figure, cells: list[_Placed], palette: Palette) -> None:
    """One pattern for all: each one of its own would cost the browser a definition a cell."""
    pattern = {
        "shape": "/",
        "size": 7,
        "solidity": 0.12,
        "fgcolor": palette.muted,
        "fgopacity": 0.5,
        "bgcolor": "rgba(0,0,0,0)",
        "fillmode": "replace",
    }
    marker = {"color": palette.muted, "line": {"width": 0}, "pattern": pattern}
    figure.add_bar(**_boxes(cells), marker=marker, hoverinfo="skip")


def _boxes(cells: list[_Placed]) -> dict[str, Any]:
    return {
        "orientation": "h",
        "base": [column - _WIDE / 2 for _, column, _ in cells],
        "x": [_WIDE] * len(cells),
        "y": [row for row, _, _ in cells],
        "width": _HIGH,
        **unfaded(),
        "showlegend": False,
    }


def _numbers(
    figure: go.Figure, cells: list[_Placed], colours: SignedLog, palette: Palette, size: int
) -> None:
    """A trace for dark and one for light text: of an array of colours a click would fade all."""
    inks = [text_on(colours.color(row.delta_loss, palette)) for _, _, row in cells]
    for ink in sorted(set(inks)):
        own = [cell for cell, used in zip(cells, inks, strict=True) if used == ink]
        figure.add_scatter(
            x=[column for _, column, _ in own],
            y=[row for row, _, _ in own],
            text=[short_loss(row.delta_loss) for _, _, row in own],
            mode="text",
            textfont={"size": size, "color": ink},
            hoverinfo="skip",
            showlegend=False,
            **unfaded(text_color=ink),
        )


def _dots(figure: go.Figure, cells: list[_Placed], palette: Palette) -> None:
    figure.add_scatter(
        x=[column + 0.42 for _, column, _ in cells],
        y=[row for row, _, _ in cells],
        mode="markers",
        marker={"size": 6, "color": palette.text, "line": {"width": 1, "color": palette.grid}},
        hoverinfo="skip",
        showlegend=False,
        **unfaded(),
    )


def _frame(figure: go.Figure, row: int, columns: int, palette: Palette) -> None:
    figure.add_shape(
        type="rect",
        x0=-0.5,
        x1=columns - 0.5,
        y0=row - 0.5,
        y1=row + 0.5,
        line={"color": palette.focus, "width": 2},
    )


def _axis(update: Callable[..., object], labels: list[str], **settings: object) -> None:
    settings = {"range": [-0.5, len(labels) - 0.5], **settings}
    shown = [fmt.label(text) for text in labels]
    ticks = {"tickvals": list(range(len(labels))), "ticktext": shown}
    update(showgrid=False, zeroline=False, **ticks, **settings)
