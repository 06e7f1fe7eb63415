"""Read what ``prepare`` wrote of the weights: small arrays, kept between reruns."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import streamlit as st

from qcore.prepare.prepared import Prepared
from qcore.prepare.statistics import (
    LayerStatistics,
    Overview,
    read_kernel,
    read_overview,
    read_statistics,
)


def overview(prepared: Prepared) -> Overview:
    """All layers at a glance."""
    return _overview(prepared.network.fingerprint, prepared)


def statistics(prepared: Prepared, layer: str) -> LayerStatistics:
    """One layer in numbers."""
    return _statistics(prepared.network.fingerprint, layer, prepared)


def kernel_weights(prepared: Prepared, layer: str, kernel: int) -> npt.NDArray[np.float32]:
    """The weights of one kernel."""
    return _kernel(prepared.network.fingerprint, layer, kernel, prepared)


@st.cache_data(max_entries=8, show_spinner=False)
def _overview(fingerprint: str, _prepared: Prepared) -> Overview:
    return read_overview(_prepared.weights_path)


@st.cache_data(max_entries=64, show_spinner=False)
def _statistics(fingerprint: str, layer: str, _prepared: Prepared) -> LayerStatistics:
    return read_statistics(_prepared.weights_path, layer)


@st.cache_data(max_entries=64, show_spinner=False)
def _kernel(
    fingerprint: str, layer: str, kernel: int, _prepared: Prepared
) -> npt.NDArray[np.float32]:
    return read_kernel(_prepared.weights_path, layer, kernel)
