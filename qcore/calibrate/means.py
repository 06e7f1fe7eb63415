"""What enters each layer on average: that which bias correction needs. Free of torch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from qcore.store.disk import MOST_BYTES, keep_newest, used_now
from qcore.store.home import means_file

_DIGEST = 16  # bytes of Dataset.digests


@dataclass(frozen=True, eq=False)
class InputMeans:
    """The mean input patch of every layer on ``images`` images, and ``Dataset.digests`` of those.

    ``patches[layer]`` has shape (groups, weights per kernel): what each weight of a kernel is
    multiplied with, averaged over images and output positions. The mean output of a kernel moves by
    the inner product of its rounding errors and its group's patch.
    """

    network_fingerprint: str
    data_fingerprint: str
    images: int
    patches: Mapping[str, npt.NDArray[np.float32]]
    digests: frozenset[bytes] = frozenset()

    def keep(self) -> None:
        """Write them where ``known_means`` finds them; the file appears whole or not at all."""
        path = means_file(self.network_fingerprint, self.data_fingerprint)
        facts = {
            "network": self.network_fingerprint,
            "data": self.data_fingerprint,
            "images": self.images,
            "layers": list(self.patches),
        }
        arrays: dict[str, npt.NDArray[np.generic]] = {
            str(i): np.ascontiguousarray(patch) for i, patch in enumerate(self.patches.values())
        }
        arrays["digests"] = np.frombuffer(b"".join(sorted(self.digests)), np.uint8).reshape(
            -1, _DIGEST
        )
        draft = path.with_suffix(f".{os.getpid()}.draft")
        save_file(arrays, draft, {"means": json.dumps(facts)})
        draft.replace(path)
        keep_newest(path.parent, MOST_BYTES)


def known_means(network_fingerprint: str, data_fingerprint: str) -> InputMeans | None:
    """What was found for that network on those data; None where there is no such file or it is
    damaged, so that it is made again."""
    path = means_file(network_fingerprint, data_fingerprint)
    try:
        found = _read(path)
    except (OSError, SafetensorError, LookupError, ValueError, TypeError, RecursionError):
        return None
    if (found.network_fingerprint, found.data_fingerprint) != (
        network_fingerprint,
        data_fingerprint,
    ):
        return None
    used_now(path)
    return found


def _read(path: Path) -> InputMeans:
    with safe_open(path, framework="np") as file:
        facts = json.loads(file.metadata()["means"])
        patches = {str(name): file.get_tensor(str(i)) for i, name in enumerate(facts["layers"])}
        digests = frozenset(bytes(row) for row in file.get_tensor("digests"))
    if any(
        p.ndim != 2 or p.dtype != np.float32 or not np.isfinite(p).all() for p in patches.values()
    ):
        raise ValueError("patches that no layer has")
    return InputMeans(facts["network"], facts["data"], int(facts["images"]), patches, digests)
