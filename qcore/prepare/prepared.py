"""A network that pages can show: plain values and a file of weights, no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import safe_open

from qcore.data.preprocess import Preprocessing
from qcore.data.source import DataSource
from qcore.graph.layer import Description
from qcore.store.disk import used_now
from qcore.store.home import weights_file


@dataclass(frozen=True)
class DataSummary:
    """What a set of images is: where from, its fingerprint, size, and whether it has labels."""

    source: DataSource
    fingerprint: str
    images: int
    labelled: bool

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "source": self.source.to_json()}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> DataSummary:
        return DataSummary(**{**data, "source": DataSource.from_json(data["source"])})


@dataclass(frozen=True)
class DataPair:
    """Images to choose on, and others to measure on."""

    calibration: DataSummary
    evaluation: DataSummary

    def to_json(self) -> dict[str, Any]:
        return {
            "calibration": self.calibration.to_json(),
            "evaluation": self.evaluation.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> DataPair:
        return DataPair(
            DataSummary.from_json(data["calibration"]), DataSummary.from_json(data["evaluation"])
        )


@dataclass(frozen=True)
class Prepared:
    """A described network with the data that come with it (None for a network without).

    ``preprocessing`` is how photographs become its input, None where that is not known.
    """

    network: Description
    data: DataPair | None
    preprocessing: Preprocessing | None

    def to_json(self) -> dict[str, Any]:
        known = self.preprocessing
        return {
            "network": self.network.to_json(),
            "data": None if self.data is None else self.data.to_json(),
            "preprocessing": None if known is None else known.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Prepared:
        pair, known = data["data"], data["preprocessing"]
        return Prepared(
            Description.from_json(data["network"]),
            None if pair is None else DataPair.from_json(pair),
            None if known is None else Preprocessing.from_json(known),
        )

    @property
    def weights_path(self) -> Path:
        return weights_file(self.network.fingerprint)


def read_layer(path: Path, name: str) -> npt.NDArray[np.float32]:
    """The weights (kernels, weights per kernel) of one layer; only its part of the file is touched.

    Raises FileNotFoundError where the file is gone and KeyError for an unknown layer.
    """
    with safe_open(path, framework="np") as file:
        if f"rows|{name}" not in file.keys():  # noqa: SIM118 - not a mapping
            raise KeyError(name)
        used_now(path)
        rows: npt.NDArray[np.float32] = file.get_tensor(f"rows|{name}")
        return rows
