"""Photographs to measure EfficientNet-Lite0 on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch

from qcore.data.dataset import Dataset
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.load import load_network
from qcore.graph.network import Network

SAMPLE = "sample:efficientnet-lite0"
_CALIBRATION, _HELD_OUT = 64, 150


@dataclass(frozen=True, eq=False)
class Photographs:
    """Images to calibrate on and others to measure on. ``title`` says which they are."""

    network: Network
    calibration: Dataset
    held_out: Dataset
    title: str


def photographs() -> Photographs:
    """The first 64 and the last 150 of the folder ``imagenet-256`` in ``BITDIAL_DATA``; where there
    is none, the sample's own 64 and 64."""
    network = load_network(SAMPLE)
    folder = Path(os.environ.get("BITDIAL_DATA", "")) / "imagenet-256"
    if "BITDIAL_DATA" in os.environ and folder.is_dir():
        data = load_data(DataSource(str(folder)), network, "calibration")
        first = data.chosen(torch.arange(_CALIBRATION))
        last = data.chosen(torch.arange(len(data) - _HELD_OUT, len(data)))
        return Photographs(network, first, last, "imagenet-256")
    source = DataSource(SAMPLE)
    halves = (load_data(source, network, split) for split in ("calibration", "evaluation"))
    return Photographs(network, *halves, "the sample's own")
