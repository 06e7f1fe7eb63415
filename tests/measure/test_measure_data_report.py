"""Every warning, both given and not given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qcore.measure.data_report import DataReport, LayerEvidence, Trial
from qcore.measure.data_warnings import remarks_of, warnings_of


def trial(preset: str = "x", images: int = 64, **values: float | None) -> Trial:
    return Trial(preset, images, **{"accuracy": 0.9, "confidence": 0.8, **values})


GOOD = DataReport(
    images=100,
    classes=10,
    class_counts=tuple((label, 10) for label in range(10)),
    mean=(0.1, -0.1, 0.0),
    std=(1.0, 0.9, 1.1),
    low=-2.0,
    high=2.0,
    copies=0,
    commonest=0.12,
    own=trial("as asked", 100),
    trials=(trial("as asked"), trial("ImageNet", gain=0.0, gain_low=0.0)),
    layers=(LayerEvidence("stem", 1, 1.0, 1.05), LayerEvidence("head", 100, 2.0, 2.1)),
    notes=("two images were left out",),
    seconds=1.5,
    shared=0,
    unmet_classes=0,
)
UNLABELLED = replace(GOOD, class_counts=(), own=trial(accuracy=None), trials=())


def said(**changes: Any) -> str:
    """The one warning of a report that is otherwise good."""
    (warning,) = warnings_of(replace(GOOD, **changes))
    assert "\n" not in warning
    return warning


def test_nothing_is_said_of_good_data() -> None:
    assert warnings_of(GOOD) == []
    assert warnings_of(UNLABELLED) == []
    assert warnings_of(replace(UNLABELLED, classes=None, commonest=None)) == []


def better(**values: float | None) -> tuple[Trial, ...]:
    return (trial("as asked", accuracy=0.5), trial("Caffe", **{"accuracy": 0.75, **values}))


def test_another_preset_is_recommended() -> None:
    text = said(trials=better(gain=0.25, gain_low=0.1))
    assert "“Caffe” accuracy is 75.0 % instead of 50.0 % on the same 64 images" in text


def test_without_labels_confidence_is_compared() -> None:
    trials = (
        trial("as asked", accuracy=None, confidence=0.4),
        trial("Caffe", accuracy=None, confidence=0.9, gain=0.5, gain_low=0.1),
    )
    (text,) = warnings_of(replace(UNLABELLED, trials=trials))
    assert "“Caffe” the network tells the same 64 images better apart" in text
    assert "(confidence 90.0 % instead of 40.0 %)" in text


@pytest.mark.parametrize(
    ("gain", "low", "recommended"),
    [
        (0.25, 0.1, True),
        (0.03, 1e-9, True),
        (0.029, 0.02, False),
        (0.25, 0.0, False),
        (0.25, -0.1, False),
        (0.25, None, False),
        (None, None, False),
        (-0.25, -0.5, False),
    ],
)
def test_a_gain_must_be_worth_it_and_certain(
    gain: float | None, low: float | None, recommended: bool
) -> None:
    report = replace(GOOD, trials=better(gain=gain, gain_low=low))
    assert (report.best_preset is not None) is recommended
    assert (warnings_of(report) != []) is recommended


def test_the_largest_gain_is_recommended() -> None:
    gains = {"a": 0.1, "b": 0.3, "c": 0.2}
    trials = [trial(name, gain=gain, gain_low=0.05) for name, gain in gains.items()]
    best = replace(GOOD, trials=(GOOD.trials[0], *trials)).best_preset
    assert best is not None
    assert best.preset == "b"


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": (0.0, 2.1, 0.0)},
        {"mean": (-2.1, 0.0, 0.0)},
        {"std": (5.0, 1.0, 1.0)},
        {"std": (0.05, 0.04, 0.03)},
    ],
)
def test_values_that_are_far_from_what_networks_are_trained_with(changes: dict[str, Any]) -> None:
    assert "Check range, mean and std" in said(**changes)


@pytest.mark.parametrize("changes", [{"mean": (2.0, -2.0, 0.0)}, {"std": (4.9, 0.01, 0.06)}])
def test_values_that_are_still_near(changes: dict[str, Any]) -> None:
    assert warnings_of(replace(GOOD, **changes)) == []


@pytest.mark.parametrize(
    ("confidence", "classes", "unsure"),
    [
        (0.19, 1000, True),
        (0.20, 1000, False),
        (0.29, 5, True),
        (0.31, 5, False),
        (0.74, 2, True),
        (None, 10, False),
        (0.1, None, False),
    ],
)
def test_confidence(confidence: float | None, classes: int | None, unsure: bool) -> None:
    report = replace(UNLABELLED, classes=classes, own=trial(accuracy=None, confidence=confidence))
    found = warnings_of(report)
    assert ["first choice" in text for text in found] == ([True] if unsure else [])


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({"commonest": 0.81}, True),
        ({"commonest": 0.80}, False),
        ({"commonest": 0.9, "images": 15, "layers": ()}, False),
        ({"commonest": 0.9, "images": 16, "layers": ()}, True),
        ({"commonest": 0.9, "class_counts": ()}, True),
    ],
)
def test_one_and_the_same_class(changes: dict[str, Any], warned: bool) -> None:
    found = warnings_of(replace(GOOD, **changes))
    about = [text for text in found if "one and the same class" in text]
    assert bool(about) is warned
    assert all("is little" in text for text in found if text not in about)


def test_one_class_is_right_where_most_images_are_of_one() -> None:
    counts = ((0, 75), (1, 25))
    report = replace(GOOD, classes=2, class_counts=counts, commonest=0.9)
    assert report.chance == 0.75
    assert not any("same class" in text for text in warnings_of(report))


@pytest.mark.parametrize(("accuracy", "warned"), [(0.36, True), (0.38, False), (0.05, True)])
def test_accuracy_near_chance(accuracy: float, warned: bool) -> None:
    """With ten even classes chance is 0.1; 0.37 is three tenths of the way to 1."""
    found = warnings_of(replace(GOOD, own=trial(accuracy=accuracy)))
    assert bool(found) is warned
    assert all("naming the commonest class gives 10.0 %" in text for text in found)


def test_all_of_one_class_is_no_chance_to_beat() -> None:
    report = replace(GOOD, class_counts=((3, 100),), classes=2, own=trial(accuracy=0.0))
    assert report.chance == 1
    assert warnings_of(report) == []


@pytest.mark.parametrize(("seen", "warned"), [(4, True), (5, False)])
def test_few_classes(seen: int, warned: bool) -> None:
    found = warnings_of(replace(GOOD, class_counts=tuple((i, 10) for i in range(seen))))
    assert [f"name {seen} of the network's 10 classes" in text for text in found] == [True] * warned


@pytest.mark.parametrize(("most", "warned"), [(100, False), (101, True)])
def test_uneven_classes(most: int, warned: bool) -> None:
    counts = (*((i, 10) for i in range(9)), (9, most))
    found = [t for t in warnings_of(replace(GOOD, class_counts=counts)) if "uneven" in t]
    assert len(found) == warned
    assert all(f"rarest has 10 images, the commonest {most}." in text for text in found)


def test_copies() -> None:
    assert said(copies=7).startswith("7 of 100 images are exact copies")


@pytest.mark.parametrize(
    ("even", "odd", "move"),
    [(0.9, 1.1, 0.2), (1.1, 0.9, 0.2), (2.0, 2.0, 0.0), (0.0, 0.0, 0.0), (0.0, 1.0, 2.0)],
)
def test_move(even: float, odd: float, move: float) -> None:
    assert LayerEvidence("x", 1, even, odd).move == pytest.approx(move)


def test_move_is_unknown_where_a_half_is_empty() -> None:
    assert LayerEvidence("x", 1, 1.0, None).move is None
    assert LayerEvidence("x", 1, None, None).move is None
    assert warnings_of(replace(GOOD, layers=(LayerEvidence("x", 1, 1.0, None),))) == []


def test_moving_thresholds_name_the_worst() -> None:
    layers = [
        LayerEvidence("a", 1, 0.9, 1.1),
        LayerEvidence("b", 1, 1.0, 3.0),
        LayerEvidence("c", 1, 1.0, 1.1),
    ]
    text = said(layers=tuple(layers))
    assert "2 of 3 layer inputs" in text
    assert "most in b (100.0 %)" in text


def test_too_few_images_for_a_layer() -> None:
    layers = (LayerEvidence("a", 101, 1.0, 1.0), LayerEvidence("b", 2048, 1.0, 1.0))
    report = replace(GOOD, layers=(*layers, LayerEvidence("c", 100, 1.0, 1.0)))
    assert warnings_of(report) == []  # nothing is wrong: it is worth knowing
    (text,) = remarks_of(report)
    assert "more than 100 images in 2 of 3 layers, most in b (2,048)" in text
    assert remarks_of(GOOD) == []


def test_few_images() -> None:
    assert "15 images to calibrate on is little" in said(images=15, layers=())
    assert "1 image to calibrate on" in said(images=1, layers=())
    assert warnings_of(replace(GOOD, images=16, layers=())) == []


def test_what_both_sides_share() -> None:
    assert "3 of the 100 images to calibrate on are also among those" in said(shared=3)
    assert "4 of the classes to measure on" in said(unmet_classes=4)


def test_chance() -> None:
    assert GOOD.chance == pytest.approx(0.1)
    assert replace(GOOD, class_counts=((0, 1), (5, 3))).chance == 0.75
    assert UNLABELLED.chance is None


def test_json_with_wrong_fields() -> None:
    data = GOOD.to_json()
    for name in data:
        with pytest.raises((KeyError, TypeError)):
            DataReport.from_json({key: value for key, value in data.items() if key != name})
    with pytest.raises(TypeError):
        DataReport.from_json({**data, "more": 1})
