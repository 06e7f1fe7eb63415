"""A bit allocation as a file: which layer gets how many bits, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from qcore.calibrate.clipping import Clipping, Target
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.quantize.limits import MAX_BITS, MIN_BITS
from qcore.sensitivity.objectives import OBJECTIVES, Objective


@dataclass(frozen=True)
class BitAllocation:
    """Bits per layer (None: full precision), and the network, data and loss they rest on.

    ``bits`` are those of the weights, ``activations`` those of what enters the layers; a layer that
    ``activations`` does not name has an input of full precision. ``calibration`` are the data that
    thresholds of inputs are found on and biases corrected by, as ``clipping`` says.
    """

    bits: Mapping[str, int | None]
    model: str | None = None
    model_fingerprint: str | None = None
    calibration: DataSource | None = None
    objective: Objective | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    activations: Mapping[str, int | None] = field(default_factory=dict)
    clipping: Clipping = field(default_factory=Clipping)

    @property
    def quantizes_inputs(self) -> bool:
        """True where some layer's input has a bit width."""
        return any(bits is not None for bits in self.activations.values())

    @property
    def corrects_biases(self) -> bool:
        """True where some layer's weights have a bit width and its bias is to be corrected."""
        return self.clipping.bias_correction and any(b is not None for b in self.bits.values())

    def to_json(self) -> dict[str, Any]:
        """The ALLOCATION.json of the command line."""
        source = self.calibration
        return {
            "bits": {
                name: {"weight": bits, "activation": self.activations.get(name)}
                for name, bits in self.bits.items()
            },
            "model": {"name": self.model, "fingerprint": self.model_fingerprint},
            "calibration": None if source is None else source.reference,
            "calibration_source": None if source is None else source.to_json(),
            "clipping": self.clipping.to_json(),
            "objective": self.objective,
            **self.facts,
        }

    @staticmethod
    def from_json(data: Any) -> BitAllocation:
        """Read ALLOCATION.json. Raises BadInput, naming the layer, where it is malformed."""
        if not isinstance(data, dict) or not isinstance(data.get("bits"), dict):
            raise BadInput('this is not an allocation: it needs {"bits": {layer: {"weight": 4}}}')
        entries = {str(name): entry for name, entry in data["bits"].items()}
        weights = {name: _bits(name, entry, "weight") for name, entry in entries.items()}
        inputs = {
            name: _bits(name, {"activation": None} | entry, "activation")
            for name, entry in entries.items()
        }
        model = data.get("model")
        model = model if isinstance(model, dict) else {}
        objective, clipping = data.get("objective"), data.get("clipping")
        if objective not in (None, *OBJECTIVES):
            raise BadInput(
                f"the allocation names loss {objective!r}; give {' or '.join(OBJECTIVES)}"
            )
        return BitAllocation(
            weights,
            model.get("name"),
            model.get("fingerprint"),
            _calibration(data),
            objective,
            activations={name: bits for name, bits in inputs.items() if bits is not None},
            clipping=Clipping() if clipping is None else Clipping.from_json(clipping),
        )

    def check_fits(self, network: Description) -> None:
        """BadInput unless every layer named exists and every layer of the network is named."""
        names = {layer.name for layer in network.layers}
        named = (*self.bits, *(override.layer for override in self.clipping.overrides))
        unknown = [name for name in named if name not in names]
        missing = [name for name in names if name not in self.bits]
        if unknown:
            raise BadInput(f"the allocation names layer {unknown[0]!r}, which {network.name} lacks")
        if missing:
            raise BadInput(
                f"the allocation has no bits for {len(missing)} layers of {network.name}, "
                f'for example {min(missing)!r}; write {{"weight": null}} for full precision'
            )


def _bits(name: str, entry: Any, target: Target) -> int | None:
    if not isinstance(entry, dict) or target not in entry:
        raise BadInput(f'layer {name!r} of the allocation needs {{"weight": bits or null}}')
    bits = entry[target]
    if bits is None:
        return None
    if isinstance(bits, list):
        raise BadInput(f"layer {name!r} has bits per kernel, which cannot be evaluated yet")
    if not isinstance(bits, int) or isinstance(bits, bool) or not MIN_BITS <= bits <= MAX_BITS:
        raise BadInput(
            f"layer {name!r} has {bits!r} {target} bits; give {MIN_BITS} to {MAX_BITS}, or null"
        )
    return bits


def _calibration(data: Mapping[str, Any]) -> DataSource | None:
    """The data it came from: as they were prepared, or (a file by hand) a reference alone."""
    source, reference = data.get("calibration_source"), data.get("calibration")
    if source is not None:
        try:
            return DataSource.from_json(source)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadInput(f"the allocation's calibration data are not understood ({error})") from (
                error
            )
    return DataSource(reference) if isinstance(reference, str) else None
