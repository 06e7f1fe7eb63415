"""Bits of each layer in several configurations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from ui import format as fmt
from ui.theme import Palette, bit_color, finish, text_on

_MOST_LABELS = 60  # beyond this many layers a number does not fit its cell
_MOST_NAMES = 24
_ROW = 34


def differences_figure(
    layers: Sequence[str], rows: Mapping[str, Sequence[int]], focus: str, palette: Palette
) -> go.Figure:
    """One row a configuration, one cell a layer in the bit ramp; layers that agree are faded."""
    differ = [len(set(column)) > 1 for column in zip(*rows.values(), strict=True)]
    order = list(rows)[::-1]
    figure = go.Figure()
    for name, bits in rows.items():
        colors = [bit_color(b) for b in bits]
        figure.add_bar(
            x=[fmt.label(layer) for layer in layers],
            y=[1] * len(layers),
            base=[order.index(name)] * len(layers),
            name=name,
            customdata=[[layer, b] for layer, b in zip(layers, bits, strict=True)],
            text=[str(b) for b in bits] if len(layers) <= _MOST_LABELS else None,
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont={"color": [text_on(c) for c in colors], "size": 12},
            marker={
                "color": colors,
                "opacity": [1.0 if d else 0.18 for d in differ],
                "line": {
                    "color": [
                        palette.focus if layer == focus else "rgba(0,0,0,0)" for layer in layers
                    ],
                    "width": 2,
                },
            },
            hovertemplate=f"<b>%{{x}}</b><br>{name}: %{{customdata[1]}} bits<extra></extra>",
        )
    figure.update_layout(barmode="overlay", bargap=0.08, showlegend=False)
    figure.update_xaxes(
        type="category",
        showticklabels=len(layers) <= _MOST_NAMES,
        title="layer, in running order",
    )
    figure.update_yaxes(
        tickvals=[i + 0.5 for i in range(len(rows))],
        ticktext=order,
        range=[0, len(rows)],
        showgrid=False,
        zeroline=False,
    )
    return finish(figure, palette, 90 + _ROW * len(rows) + 60 * (len(layers) <= _MOST_NAMES))
