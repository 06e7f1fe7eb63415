"""Are these calibration data any good? What was found, and what to do about it. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from qcore.calibrate.threshold import instability
from qcore.data.preprocess import Preprocessing
from qcore.graph.layer import Layer

_WORTH = {True: 0.03, False: 0.1}  # with labels: of all images; without: nats


@dataclass(frozen=True)
class LayerEvidence:
    """Do the data hold enough for this layer?

    ``images_needed`` is CalibTIP's rule; the thresholds are the 99.9th percentile of |input| in the
    even and in the odd images (None where a half is empty).
    """

    layer: str
    images_needed: int
    even_threshold: float | None
    odd_threshold: float | None

    @property
    def move(self) -> float | None:
        """How far the threshold moves between the halves, see ``instability``."""
        return instability(self.even_threshold, self.odd_threshold)


@dataclass(frozen=True)
class Trial:
    """The full-precision network on some of the images, prepared in one way.

    ``accuracy`` is None without labels; ``confidence`` is the mean probability of the class that
    comes first, and ``information`` how much the network tells about an image: the mean divergence
    of its probabilities from those of all images together, in nats (the logarithm of the Inception
    score, Salimans et al. 2016). It is high where the network is sure of different things, and not
    where it names one class for all. Both are None for a network that is no classifier. ``gain`` is
    by how much the accuracy (without labels, the information) is above that of the images as asked
    for, image by image, and ``gain_low`` the lower end of its 95 % interval.
    """

    preset: str
    images: int
    accuracy: float | None
    confidence: float | None
    information: float | None = None
    preprocessing: Preprocessing | None = None
    gain: float | None = None
    gain_low: float | None = None

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Trial:
        """The inverse of ``asdict``."""
        how = data["preprocessing"]
        own = None if how is None else Preprocessing.from_json(how)
        return Trial(**{**data, "preprocessing": own})


@dataclass(frozen=True)
class DataReport:
    """What a look at the data found. ``class_counts`` are (class, images), empty without labels.

    ``mean``, ``std``, ``low`` and ``high`` are those of the values that enter the network.
    ``copies`` counts images that are exactly equal to an earlier one, ``shared`` those that are
    also among the images to measure on; ``unmet_classes`` is how many classes occur only among the
    latter. ``commonest`` is the share of images for which the network predicts its favourite class.
    ``own`` is the trial over all images; ``trials`` are those on a part of them: as asked first,
    then each preset (empty where none applies).
    """

    images: int
    classes: int | None
    class_counts: tuple[tuple[int, int], ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: float
    high: float
    copies: int
    commonest: float | None
    own: Trial
    trials: tuple[Trial, ...]
    layers: tuple[LayerEvidence, ...]
    notes: tuple[str, ...]
    seconds: float
    shared: int
    unmet_classes: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> DataReport:
        """The inverse of ``to_json``; KeyError or TypeError for a wrong field."""
        return DataReport(
            **{
                **data,
                "class_counts": tuple((label, count) for label, count in data["class_counts"]),
                "mean": tuple(data["mean"]),
                "std": tuple(data["std"]),
                "own": Trial.from_json(data["own"]),
                "trials": tuple(Trial.from_json(trial) for trial in data["trials"]),
                "layers": tuple(LayerEvidence(**layer) for layer in data["layers"]),
                "notes": tuple(data["notes"]),
            }
        )

    @property
    def chance(self) -> float | None:
        """What always naming the commonest class would score; None without labels."""
        total = sum(count for _, count in self.class_counts)
        return max(count for _, count in self.class_counts) / total if total else None

    @property
    def best_preset(self) -> Trial | None:
        """A preset that beats the preprocessing asked for beyond chance, None without one."""
        worth = _WORTH[self.own.accuracy is not None]
        better = [t for t in self.trials if (t.gain or 0) >= worth and (t.gain_low or 0) > 0]
        return max(better, key=lambda trial: trial.gain or 0.0, default=None)


def images_needed(layer: Layer) -> int:
    """Calibration images for one equation per weight of a kernel: B >= C_in k^2 / (H W).

    CalibTIP (Hubara et al. 2020, arXiv 2006.10518), supplement A. Groups divide C_in, and a linear
    layer over tokens has as many positions as tokens. Example: 512 channels, 3x3, output 7x7:
    94.04, so 95 images.
    """
    positions = math.prod(layer.output_shape) / layer.kernels
    return math.ceil(layer.weight_count / layer.kernels / positions)
