"""What the weights page shows of a layer or a kernel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from qcore.graph.layer import Layer
from qcore.prepare.prepared import Prepared
from qcore.quantize.grid import Grid, RoundingError, rounding_error
from qcore.quantize.limits import GRID_BITS
from ui.engine import layer_weights
from ui.select import clicked

_KERNEL, _ALL = "kernel", "all"
_MOST_KERNELS = 10_000  # every name in the menu goes to the browser


@dataclass(frozen=True, eq=False)
class WeightView:
    """The weights in view, their grid and its error; per kernel arrays have shape (kernels,)."""

    weights: npt.NDArray[np.float32]
    amax: float
    grid: Grid
    error: RoundingError
    sqnr_by_bits: dict[int, float | None]
    kernel_amax: npt.NDArray[np.float64]
    kernel_thresholds: npt.NDArray[np.float64]


def choose_kernel(layer: Layer) -> int | None:
    """A menu of the layer's kernels, in the URL; None is the whole layer."""
    listed = min(layer.kernels, _MOST_KERNELS)
    options = [_ALL, *(str(number) for number in range(listed))]
    if st.session_state.get(_KERNEL, _ALL) not in options:
        del st.session_state[_KERNEL]  # a number of a wider layer
    chosen = st.selectbox(
        f"Kernel (0 to {listed - 1}" + (")" if listed == layer.kernels else ", the first ones)"),
        options,
        key=_KERNEL,
        bind="query-params",
        width=170,
        help="Type a number to find it, or click a kernel below.",
    )
    return None if chosen == _ALL else int(chosen)


def kernel_clicked(chart_key: str) -> None:
    """Open the kernel that was clicked."""
    number: Any = clicked(chart_key)
    if number is not None:
        st.session_state[_KERNEL] = str(int(number[0] if isinstance(number, list) else number))


def view_of(prepared: Prepared, layer: Layer, kernel: int | None, bits: int) -> WeightView:
    """Read the layer and work out what the page says of it."""
    stored = layer_weights(prepared.network.fingerprint, layer.name, prepared)
    weights = stored.rows if kernel is None else stored.rows[kernel]
    grids = {b: Grid(stored.scale(b, kernel), b) for b in GRID_BITS}
    errors = {b: rounding_error(weights, grid) for b, grid in grids.items()}
    top = Grid(1.0, bits).largest_level
    return WeightView(
        weights=weights,
        amax=float(np.abs(weights).max()),
        grid=grids[bits],
        error=errors[bits],
        sqnr_by_bits={b: error.sqnr_db for b, error in errors.items()},
        kernel_amax=np.abs(stored.rows).max(axis=1).astype(np.float64),
        kernel_thresholds=stored.kernel_scales[:, GRID_BITS.index(bits)].astype(np.float64) * top,
    )
