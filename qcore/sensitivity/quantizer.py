"""The quantizer of a run, as its configuration says."""

from __future__ import annotations

from collections.abc import Callable

from qcore.calibrate.average import means_for
from qcore.calibrate.calibration import Calibration
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.graph.network import Network
from qcore.sensitivity.config import SensitivityConfig


def quantizer_for(
    network: Network,
    data: Dataset,
    config: SensitivityConfig,
    calibration: Calibration | None = None,
    *,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> NetworkQuantizer:
    """Inputs are clipped at thresholds that are found on ``calibration``; biases, where they are
    corrected, by what enters the layers on these very data. Stopped when ``should_stop`` says so.

    Progress stays at 0: what enters the layers takes about one forward pass.
    """
    means = None
    if config.corrects_biases:
        means = means_for(
            network,
            data,
            on_progress=lambda _, text: on_progress(0.0, text),
            should_stop=should_stop,
        )
    return NetworkQuantizer(network, config.clipping, calibration, means)
