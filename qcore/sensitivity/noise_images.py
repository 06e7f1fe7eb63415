"""Error and energy of a layer's output, image by image."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from qcore.graph.layer import Layer
from qcore.sensitivity.interval import Moments
from qcore.sensitivity.row import OutputNoise


@dataclass(frozen=True, eq=False)
class ImageSums:
    """Of N images: squared error |y_q - y|², energies |y|² and |y_q|², each (N,) float64, and how
    many values of output an image has."""

    error: Tensor
    energy: Tensor
    noisy_energy: Tensor
    values: int

    def plus(self, other: ImageSums) -> ImageSums:
        """Those of two uses of one layer together."""
        return ImageSums(
            self.error + other.error,
            self.energy + other.energy,
            self.noisy_energy + other.noisy_energy,
            self.values + other.values,
        )

    @property
    def finite(self) -> bool:
        """False where an output, as it is or with noise, holds NaN or infinity."""
        return bool(torch.isfinite(self.energy + self.noisy_energy + self.error).all())

    @property
    def noise_to_signal(self) -> Tensor:
        """(N,): |y_q - y|² / |y|²; of an output of zeros the squared error itself."""
        return self.error / torch.where(self.energy > 0, self.energy, 1.0)

    @property
    def cosine(self) -> Tensor:
        """(N,): between y_q and y; 1 where both are zeros, 0 where one is.

        By 2 (|y| |y_q| - y·y_q) = |y_q - y|² - (|y_q| - |y|)², which loses no digits where the two
        are close. Example: (3, 4) and (3, 3.5): 0.9971.
        """
        length, noisy = self.energy.sqrt(), self.noisy_energy.sqrt()
        product = length * noisy
        short = (self.error - (noisy - length).square()) / (2 * product)
        one_is_zero = torch.where(self.error > 0, 0.0, 1.0).to(product)
        return torch.where(product > 0, (1 - short).clamp(-1, 1), one_is_zero)


@dataclass
class CellNoise:
    """Running sums over the images that one cell has seen."""

    noise_to_signal: Moments = field(default_factory=Moments)
    squared: float = 0.0
    cosine: float = 0.0

    def add(self, sums: ImageSums) -> None:
        ratio = sums.noise_to_signal
        self.noise_to_signal = self.noise_to_signal.plus(
            ratio.numel(), float(ratio.sum()), float(ratio.square().sum())
        )
        self.squared += float(sums.error.sum()) / sums.values
        self.cosine += float(sums.cosine.sum())

    @property
    def noise(self) -> OutputNoise:
        """Means over the images. Example: a noise-to-signal ratio of 0.01 is 20 dB."""
        images, ratio = self.noise_to_signal.samples, self.noise_to_signal.mean
        decibels = -10 * math.log10(ratio) if ratio > 0 else None
        return OutputNoise(decibels, self.squared / images, self.cosine / images)


def squares_per_image(output: Tensor, layer: Layer, run: int, images: int) -> Tensor:
    """(images,) float64: the energy of each image's part of a layer's output.

    ``run`` images were run together, the first ``images`` of which count. An output without an axis
    of images does not depend on them: every image has the whole of it.
    """
    axis = _image_axis(output, layer, run)
    if axis is None:
        return _squares(output[None]).expand(images)
    return _squares(output.unflatten(axis, (run, -1)).movedim(axis, 0))[:images]


def values_per_image(output: Tensor, layer: Layer, run: int) -> int:
    """How many values of the output belong to one image."""
    return output.numel() // (1 if _image_axis(output, layer, run) is None else run)


def _squares(output: Tensor) -> Tensor:
    """(N,) float64 of (N, ...)."""
    if output.dim() == 5:  # (N, 1, C, H, W): channels lie last in memory
        output = output.movedim(2, -1)
    # Float32 within rows only: a sum of millions of squares would lose digits.
    rows = output.reshape(len(output), -1, *output.shape[-2:]) if output.dim() > 2 else output
    within = tuple(range(2, rows.dim())) or (1,)
    norms: Tensor = torch.linalg.vector_norm(rows, dim=within)
    return norms.double().square().reshape(len(rows), -1).sum(1)


def _image_axis(output: Tensor, layer: Layer, run: int) -> int | None:
    """The axis along which the images lie: ``run`` times as long as for one image."""
    if run == 1:
        return 0
    one = layer.output_shape
    for axis, size in enumerate(output.shape):
        if size == run * one[axis] if len(one) == output.dim() else size % run == 0:
            return axis
    return None
