"""From a photograph or stored bytes to what a network expects."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Preprocessing:
    """Resize the short side, crop the centre, scale to [0, 1], normalise per channel.

    ``mean`` and ``std`` are in units of the [0, 1] range: a value x in 0..255 becomes
    (x / 255 - mean) / std. Example: mean 0.5, std 0.25 maps 255 to 2.0.
    """

    short_side_px: int
    crop_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def channels(self) -> int:
        return len(self.mean)
