"""Which data: a reference, how to prepare them, and which half of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from qcore import fields
from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput
from qcore.store.uploads import PREFIX, title_of

Split = Literal["calibration", "evaluation"]


@dataclass(frozen=True)
class DataSource:
    """``sample:NAME``, ``upload:ID``, or the path of a .npz, idx or ZIP file or of a folder.

    ``preprocessing`` None is the network's own. A sample has two sets of images, one to calibrate
    on and one to measure on; of anything else both are the same whole unless ``halved``: then
    images number 0, 2, 4 ... calibrate and 1, 3, 5 ... measure. Sorted class folders with two
    images or more each are divided evenly that way.
    """

    reference: str
    preprocessing: Preprocessing | None = None
    halved: bool = False

    @property
    def title(self) -> str:
        """What to call it: the name of the uploaded file, else the reference."""
        if not self.reference.startswith(PREFIX):
            return self.reference
        try:
            return title_of(self.reference.removeprefix(PREFIX))
        except BadInput:  # there never was one
            return self.reference

    def to_json(self) -> dict[str, Any]:
        own = None if self.preprocessing is None else self.preprocessing.to_json()
        return {"reference": self.reference, "preprocessing": own, "halved": self.halved}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> DataSource:
        """The inverse of ``to_json``; KeyError, TypeError or ValueError for a wrong field."""
        own = data["preprocessing"]
        return DataSource(
            fields.text(data, "reference"),
            None if own is None else Preprocessing.from_json(own),
            bool(data["halved"]),
        )
