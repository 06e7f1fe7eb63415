"""How many images are run at once."""

from __future__ import annotations

import math

from qcore.graph.network import Network

_CHUNK_VALUES = 2**25  # largest activation of a chunk, in values: 128 MB in float32
_CHUNK_IMAGES = 256


def chunk_images(network: Network) -> int:
    """How many images are run at once: a fixed batch, or as many as keep every activation below
    2^25 values, 256 at most."""
    if network.description.batch is not None:
        return network.description.batch
    shapes = [s for la in network.description.layers for s in (la.input_shape, la.output_shape)]
    largest = max(math.prod(shape) for shape in shapes)
    return max(1, min(_CHUNK_IMAGES, _CHUNK_VALUES // largest))
