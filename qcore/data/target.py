"""What data have to become for one network."""

from __future__ import annotations

from dataclasses import dataclass

from qcore.data.preprocess import Preprocessing, checked, reads_images
from qcore.errors import BadInput

LIMIT_BYTES = 4_000_000_000
"""Most memory that the images of one dataset may take."""


@dataclass(frozen=True)
class Target:
    """The network's inputs (shapes without the batch), its classes, and how images are prepared.

    ``classes`` None: not a classifier. ``preprocessing`` None: not known.
    """

    input_shape: tuple[int, ...]
    classes: int | None
    preprocessing: Preprocessing | None
    extra_inputs: tuple[tuple[str, tuple[int, ...]], ...] = ()

    def for_bytes(self) -> Preprocessing:
        """How bytes are normalised. Raises BadInput where that is not known or cannot be."""
        shape = self._shape()
        if not reads_images(self.input_shape):
            raise BadInput(
                f"this network reads {shape}, not (1 or 3 channels, height, width); "
                "give a .npz of float32 arrays"
            )
        if self.preprocessing is None:
            raise BadInput(
                "how images are prepared for this network is not known; "
                "choose a preset such as --preset ImageNet, or give --mean and --std"
            )
        preprocessing = checked(self.preprocessing)
        if preprocessing.channels != self.input_shape[0]:
            raise BadInput(
                f"the preprocessing is for {preprocessing.channels} channels but the network reads "
                f"{shape} (channels x height x width); "
                f"give --mean and --std for {self.input_shape[0]}"
            )
        return preprocessing

    def for_photographs(self) -> Preprocessing:
        """As ``for_bytes``, and the size that comes out is the network's."""
        self.refuse_extra_inputs()
        preprocessing = self.for_bytes()
        if preprocessing.input_shape != self.input_shape:
            height, width = preprocessing.crop_px
            raise BadInput(
                f"the preprocessing makes images of {height} x {width} pixels but the network "
                f"reads {self.input_shape[1]} x {self.input_shape[2]}; change its crop"
            )
        return preprocessing

    def refuse_extra_inputs(self) -> None:
        """BadInput where images alone are not enough."""
        if self.extra_inputs:
            names = ", ".join(repr(name) for name, _ in self.extra_inputs)
            raise BadInput(
                f"this network reads {names} beside images; "
                f"give a .npz with the arrays 'images' and {names}"
            )

    def _shape(self) -> str:
        return " x ".join(str(size) for size in self.input_shape)
