"""Photographs that do not ship: a folder ``imagenet-256`` of NNN.jpg, NNN the ImageNet class."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.load import load_network

pytestmark = pytest.mark.data


@pytest.fixture
def photographs() -> Path:
    folder = Path(os.environ.get("BITDIAL_DATA", "")) / "imagenet-256"
    if "BITDIAL_DATA" not in os.environ or not folder.is_dir():
        pytest.skip("no photographs: BITDIAL_DATA names no folder that holds imagenet-256")
    return folder


def test_efficientnet_recognises_photographs_through_our_own_loading(photographs: Path) -> None:
    """Weights, class order, resizing and normalisation fit together (90 % measured elsewhere)."""
    network = load_network("sample:efficientnet-lite0")
    data = load_data(DataSource(str(photographs)), network, "calibration")
    labels = [int(file.stem) for file in sorted(photographs.glob("*.jpg"))]
    runner = network.runner()
    with torch.inference_mode():
        batches = torch.arange(len(data)).split(25)
        classes = torch.cat([runner(data.batch(indices)).argmax(1) for indices in batches])
    correct = (classes == torch.tensor(labels)).float().mean()
    assert correct >= 0.85
