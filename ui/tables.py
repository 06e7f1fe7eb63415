"""Tables that pages show."""

from __future__ import annotations

import pandas as pd

from qcore.graph.layer import Description
from ui import format as fmt


def layer_table(network: Description) -> pd.DataFrame:
    """One row a layer; the share of weights is in percent, shapes are those of one image."""
    layers = network.layers
    return pd.DataFrame(
        {
            "layer": [la.name for la in layers],
            "operator": [la.op for la in layers],
            "weight shape": [fmt.shape(la.weight_shape) for la in layers],
            "kernels": [la.kernels for la in layers],
            "weights": [la.weight_count for la in layers],
            "share": [100 * la.weight_count / network.weight_count for la in layers],
            "MACs": [la.macs for la in layers],
            "output": [fmt.shape(la.output_shape[1:]) for la in layers],
        }
    )
