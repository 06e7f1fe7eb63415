"""A bit allocation as a file: which layer gets how many bits, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from qcore.calibrate.clipping import Clipping
from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.layer import Description
from qcore.quantize.limits import MAX_BITS, MIN_BITS, WeightBits, is_weight_width
from qcore.sensitivity.objectives import OBJECTIVES, Objective

_WEIGHTS = f"give 0 (pruned), or {MIN_BITS} to {MAX_BITS}"


@dataclass(frozen=True)
class BitAllocation:
    """Bits per layer (None: full precision), and the network, data and loss they rest on.

    ``bits`` are those of the weights: one width for a layer, or one for each of its kernels, 0 of
    which prunes. ``activations`` are those of what enters the layers; a layer that it does not name
    has an input of full precision. ``calibration`` are the data that
    thresholds of inputs are found on and biases corrected by, as ``clipping`` says.
    """

    bits: Mapping[str, WeightBits | None]
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
                name: {
                    "weight": list(bits) if isinstance(bits, tuple) else bits,
                    "activation": self.activations.get(name),
                }
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
        weights = {name: _weight_bits(name, entry) for name, entry in entries.items()}
        inputs = {name: _input_bits(name, entry) for name, entry in entries.items()}
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
        """BadInput unless every layer named exists, every layer of the network is named, and bits
        per kernel are as many as its kernels."""
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
        for layer in network.layers:
            bits = self.bits[layer.name]
            if isinstance(bits, tuple) and len(bits) != layer.kernels:
                raise BadInput(
                    f"the allocation has {len(bits)} bits for the {layer.kernels} kernels of layer "
                    f"{layer.name!r}; give one for each kernel, or one number for the layer"
                )


def _weight_bits(name: str, entry: Any) -> WeightBits | None:
    if not isinstance(entry, dict) or "weight" not in entry:
        raise BadInput(f'layer {name!r} of the allocation needs {{"weight": bits or null}}')
    bits = entry["weight"]
    if isinstance(bits, list):
        return _kernel_bits(name, bits)
    if bits is not None and not is_weight_width(bits):
        raise BadInput(f"layer {name!r} has {bits!r} weight bits; {_WEIGHTS}, or null")
    return cast(int | None, bits)


def _kernel_bits(name: str, bits: list[Any]) -> tuple[int, ...]:
    if not bits:
        raise BadInput(f"layer {name!r} has an empty list of weight bits; {_WEIGHTS}, per kernel")
    for kernel, width in enumerate(bits):
        if not is_weight_width(width):
            raise BadInput(f"kernel {kernel} of layer {name!r} has {width!r} bits; {_WEIGHTS}")
    return tuple(bits)


def _input_bits(name: str, entry: Mapping[str, Any]) -> int | None:
    bits = entry.get("activation")
    if bits is not None and not (is_weight_width(bits) and bits >= MIN_BITS):
        raise BadInput(
            f"layer {name!r} has {bits!r} activation bits; give {MIN_BITS} to {MAX_BITS}, or null"
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
