"""CalibTIP's rule, counted by hand; and reports survive a file."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from qcore.data.preprocess import from_preset
from qcore.graph.build import build_network
from qcore.graph.layer import Layer
from qcore.measure.data_report import DataReport, LayerEvidence, Trial, images_needed


def layer_of(module: nn.Module, *shape: int) -> Layer:
    (layer,) = build_network(module, "one", (shape,)).description.layers
    return layer


# C_in k^2 / (H W), counted by hand.
RULE = {
    "64 channels, 3x3, 56x56": (nn.Conv2d(64, 4, 3, padding=1), (64, 56, 56), 1, 576 / 3136),
    "512 channels, 3x3, 7x7": (nn.Conv2d(512, 4, 3, padding=1), (512, 7, 7), 95, 4608 / 49),
    "fully connected": (nn.Linear(2048, 3), (2048,), 2048, 2048),
    "exactly two": (nn.Conv2d(8, 2, 1), (8, 2, 2), 2, 2.0),
    "groups": (nn.Conv2d(512, 8, 3, padding=1, groups=4), (512, 7, 7), 24, 1152 / 49),
    "depthwise": (nn.Conv2d(6, 6, 3, groups=6), (6, 3, 3), 9, 9.0),
    "strided": (nn.Conv2d(512, 4, 3, 2, 1), (512, 14, 14), 95, 4608 / 49),
    "tokens": (nn.Linear(2048, 5), (49, 2048), 42, 2048 / 49),
    "transposed": (nn.ConvTranspose2d(64, 6, 2, 2, groups=2), (64, 3, 3), 4, 128 / 36),
    "one dimension": (nn.Conv1d(30, 2, 5), (30, 14), 15, 15.0),
}


@pytest.mark.parametrize("case", list(RULE))
def test_images_needed(case: str) -> None:
    module, shape, images, exact = RULE[case]
    assert math.ceil(exact) == images
    assert images_needed(layer_of(module, *shape)) == images


number = st.floats(allow_nan=False, allow_infinity=False)
trials = st.builds(
    Trial,
    st.text(),
    st.integers(0),
    st.none() | number,
    st.none() | number,
    st.none() | number,
    st.none() | st.just(from_preset("Caffe", (3, 8, 8))),
    st.none() | number,
    st.none() | number,
)
reports = st.builds(
    DataReport,
    images=st.integers(1),
    classes=st.none() | st.integers(2),
    class_counts=st.lists(st.tuples(st.integers(0), st.integers(1))).map(tuple),
    mean=st.lists(number, max_size=3).map(tuple),
    std=st.lists(number, max_size=3).map(tuple),
    low=number,
    high=number,
    copies=st.integers(0),
    commonest=st.none() | number,
    own=trials,
    trials=st.lists(trials, max_size=3).map(tuple),
    layers=st.lists(
        st.builds(LayerEvidence, st.text(), st.integers(1), st.none() | number, st.none() | number),
        max_size=3,
    ).map(tuple),
    notes=st.lists(st.text()).map(tuple),
    seconds=number,
    shared=st.integers(0),
    unmet_classes=st.integers(0),
)


@given(reports)
def test_survives_json(report: DataReport) -> None:
    assert DataReport.from_json(json.loads(json.dumps(report.to_json()))) == report
