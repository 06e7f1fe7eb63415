"""Thresholds from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from qcore.calibrate.calibration import LayerCalibration
from qcore.calibrate.clipping import Clipping, Target
from qcore.calibrate.methods import find_threshold
from qcore.calibrate.observe import calibration_for
from qcore.calibrate.summary import judged
from qcore.cli.ask import source_of, tell
from qcore.cli.clipping import clipping_of
from qcore.data.load import load_data
from qcore.graph.load import load_network


def find_thresholds(
    arguments: argparse.Namespace, listener: Callable[[float, str], None]
) -> dict[str, Any]:
    """The fields of ``thresholds --json``: one row for each layer and target. Raises BadInput."""
    clipping = clipping_of(arguments)
    percentile = clipping.percentile("activation")
    network = load_network(arguments.model)
    data = load_data(source_of(arguments.data, arguments, network), network, "calibration")
    tell(*network.description.notes, *data.notes)
    calibration = calibration_for(network, data, on_progress=listener)
    targets: tuple[Target, ...] = ("weight", "activation")
    asked = [t for t in targets if arguments.target in (t, "both")]
    return {
        "model": {
            "name": network.description.name,
            "fingerprint": network.description.fingerprint,
        },
        "data": {"reference": arguments.data, "fingerprint": calibration.data_fingerprint},
        "images": calibration.images,
        "percentile": percentile if arguments.method == "percentile" else None,
        "layers": [
            _row(layer, target, arguments, clipping)
            for layer in calibration.layers
            for target in asked
        ],
    }


def _row(
    layer: LayerCalibration, target: Target, arguments: argparse.Namespace, clipping: Clipping
) -> dict[str, Any]:
    histogram, bits = layer.histogram(target), arguments.bits
    found = find_threshold(histogram, arguments.method, bits, target, clipping.percentile(target))
    judgement = judged(histogram, found.value, bits, target)
    return {
        "name": layer.name,
        "target": target,
        "method": arguments.method,
        "bits": bits,
        "threshold": found.value,
        "amax": histogram.amax,
        "low": histogram.low,
        "high": histogram.high,
        "divergence": found.divergence,
        "clipped": judgement.clipped,
        "sqnr_db": judgement.sqnr_db,
    }
