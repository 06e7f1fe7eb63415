"""Bits of the kernels of every layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import plotly.graph_objects as go

from qcore.graph.layer import Description
from qcore.quantize.limits import PRUNED, WeightBits
from ui import format as fmt
from ui.theme import Palette, finish, weight_color

_MOST_LABELS = 24  # beyond this many layers a name does not fit below its bar


def kernel_bits_figure(
    network: Description, bits: Mapping[str, WeightBits], palette: Palette
) -> go.Figure:
    """A bar a layer, divided by the share of its kernels at each width, few bits at the bottom."""
    counts = [_counts(bits[layer.name], layer.kernels) for layer in network.layers]
    names = [fmt.label(layer.name) for layer in network.layers]
    figure = go.Figure()
    for width in sorted({width for count in counts for width in count}):
        word = "pruned" if width == PRUNED else f"{width} bits"
        here = [count.get(width, 0) for count in counts]
        kernels = [layer.kernels for layer in network.layers]
        figure.add_bar(
            x=names,
            y=[100 * n / of for n, of in zip(here, kernels, strict=True)],
            name=word,
            marker={"color": weight_color(width, palette)},
            customdata=list(zip(here, kernels, strict=True)),
            hovertemplate="<b>%{x}</b><br>%{customdata[0]:,} of %{customdata[1]:,} kernels at "
            f"{word}<extra></extra>",
        )
    figure.update_xaxes(
        title="layer, in running order", type="category", showticklabels=len(names) <= _MOST_LABELS
    )
    figure.update_yaxes(title="kernels (%)", range=[0, 100])
    figure.update_layout(barmode="stack", bargap=0.12)
    return finish(figure, palette, 300)


def _counts(bits: WeightBits, kernels: int) -> Counter[int]:
    return Counter({bits: kernels}) if isinstance(bits, int) else Counter(bits)
