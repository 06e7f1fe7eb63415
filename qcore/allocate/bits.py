"""A bit allocation as a file: which layer gets how many bits, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.quantize.limits import MAX_BITS, MIN_BITS
from qcore.sensitivity.table import OBJECTIVES, Objective


@dataclass(frozen=True)
class BitAllocation:
    """Weight bits per layer (None: full precision), and the network, data and loss it rests on."""

    bits: Mapping[str, int | None]
    model: str | None = None
    model_fingerprint: str | None = None
    calibration: str | None = None
    objective: Objective | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The ALLOCATION.json of the command line. Activations are full precision here."""
        return {
            "bits": {name: {"weight": b, "activation": None} for name, b in self.bits.items()},
            "model": {"name": self.model, "fingerprint": self.model_fingerprint},
            "calibration": self.calibration,
            "objective": self.objective,
            **self.facts,
        }

    @staticmethod
    def from_json(data: Any) -> BitAllocation:
        """Read ALLOCATION.json. Raises BadInput, naming the layer, where it is malformed."""
        if not isinstance(data, dict) or not isinstance(data.get("bits"), dict):
            raise BadInput('this is not an allocation: it needs {"bits": {layer: {"weight": 4}}}')
        bits = {str(name): _weight_bits(name, entry) for name, entry in data["bits"].items()}
        model, calibration = data.get("model"), data.get("calibration")
        model = model if isinstance(model, dict) else {}
        objective = data.get("objective")
        if objective not in (None, *OBJECTIVES):
            raise BadInput(
                f"the allocation names loss {objective!r}; give {' or '.join(OBJECTIVES)}"
            )
        return BitAllocation(
            bits,
            model.get("name"),
            model.get("fingerprint"),
            calibration if isinstance(calibration, str) else None,
            objective,
        )

    def check_fits(self, network: Description) -> None:
        """BadInput unless every layer named exists and every layer of the network is named."""
        names = {layer.name for layer in network.layers}
        unknown = [name for name in self.bits if name not in names]
        missing = [name for name in names if name not in self.bits]
        if unknown:
            raise BadInput(f"the allocation names layer {unknown[0]!r}, which {network.name} lacks")
        if missing:
            raise BadInput(
                f"the allocation has no bits for {len(missing)} layers of {network.name}, "
                f'for example {min(missing)!r}; write {{"weight": null}} for full precision'
            )


def _weight_bits(name: object, entry: Any) -> int | None:
    if not isinstance(entry, dict) or "weight" not in entry:
        raise BadInput(f'layer {name!r} of the allocation needs {{"weight": bits or null}}')
    if entry.get("activation") is not None:
        raise BadInput(
            f"layer {name!r} asks for {entry['activation']} activation bits; "
            'activations cannot be quantized yet: write "activation": null'
        )
    bits = entry["weight"]
    if bits is None:
        return None
    if isinstance(bits, list):
        raise BadInput(f"layer {name!r} has bits per kernel, which cannot be evaluated yet")
    if not isinstance(bits, int) or isinstance(bits, bool) or not MIN_BITS <= bits <= MAX_BITS:
        raise BadInput(
            f"layer {name!r} has {bits!r} weight bits; give {MIN_BITS} to {MAX_BITS}, or null"
        )
    return bits
