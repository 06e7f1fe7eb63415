"""Projections of a job as it keeps them: one entry for each chunk of images, one for kernels."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping

from qcore.sensitivity.projection.kernel_sums import KernelSums
from qcore.sensitivity.projection.projections import Projections

CHUNK = "projections|"
KERNELS = "kernels"


def pack_chunk(number: int, projections: Projections) -> dict[str, bytes]:
    """The entry of one chunk under its name; names are in the order of numbers."""
    return {f"{CHUNK}{number:08d}": json.dumps(projections.to_json()).encode()}


def chunks_in(known: Mapping[str, bytes]) -> set[int]:
    """The numbers of the chunks that are kept."""
    return {int(name.removeprefix(CHUNK)) for name in known if name.startswith(CHUNK)}


def projections_in(known: Mapping[str, bytes]) -> Projections | None:
    """Those of all chunks together; None before the first."""
    names = sorted(name for name in known if name.startswith(CHUNK))
    parts = [Projections.from_json(json.loads(known[name])) for name in names]
    return functools.reduce(Projections.joined, parts) if parts else None


def kernel_sums(known: Mapping[str, bytes]) -> KernelSums | None:
    """The sums over kernels; None before the first chunk, and where inputs alone are rounded."""
    return KernelSums.from_bytes(known[KERNELS]) if KERNELS in known else None
