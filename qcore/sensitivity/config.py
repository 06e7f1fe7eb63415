"""What is asked of a sensitivity run. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from qcore import fields
from qcore.calibrate.clipping import Clipping, quantizer_text
from qcore.errors import BadInput
from qcore.quantize.limits import MIN_BITS, PRUNED
from qcore.sensitivity.objectives import OBJECTIVES, UNITS, Objective
from qcore.sensitivity.widths import weight_widths

Measure = Literal["exact", "projected", "hessian", "noise"]
Quantized = Literal["weight", "activation", "both"]

METHODS: dict[Measure, str] = {
    "exact": "the network is run with one layer rounded; true on these images",
    "projected": "second-order estimate of all layers and kernels from a few passes",
    "hessian": "mean trace of the layer's Hessian times the squared change of its weights (HAWQ)",
    "noise": "error of the layer's own output relative to its energy",
}
"""How ΔL is found."""
TARGETS: dict[Quantized, str] = {
    "weight": "the layer's weights",
    "activation": "what enters the layer",
    "both": "the layer's weights and what enters it",
}
"""What is quantized in one layer at a time."""
HESSIAN_PROBES = 32
FEWEST_DRAWS = 64
"""Random directions that a projected run has at least, over all its images."""
LEAST_REFINE = 5
"""Forward passes: setting up alone takes most of them."""
LARGEST_SEED = 2**63 - 1
BASE_BITS = 8
"""The only base that is not full precision."""


@dataclass(frozen=True)
class Width:
    """Bits of one cell: those of the target, and of the input where both are quantized."""

    bits: int
    activation_bits: int | None = None


@dataclass(frozen=True)
class SensitivityConfig:
    """What is asked of a sensitivity run.

    ``bits``: bit widths, each 2 to 16, or 0: weights that are pruned. ``objective``: the loss.
    ``images``: how many calibration images are used, drawn without replacement in the order that
    ``seed`` gives. ``clipping``: how weights and inputs are rounded. ``activation_bits``: with
    target ``both``, every width of weights is combined with each of these; without any, with the
    same width. ``base``: bits of all that is not looked at, weights and inputs (8, or None: full
    precision). ``probes``: random directions of ``hessian``, and of ``projected`` for each image.
    ``tolerance``: of ``exact``, a cell takes no more images once what all would give is known to
    within that part of the sum over layers (see ``tolerance.unsettled``); None: all images.
    ``refine``: of ``projected`` weights, how many forward passes are spent on exact values of the
    cells that decide an allocation. What the method or target does not use takes its default, so
    that equal questions are equal.
    """

    bits: tuple[int, ...]
    objective: Objective
    images: int
    seed: int = 0
    method: Measure = "exact"
    target: Quantized = "weight"
    clipping: Clipping = field(default_factory=Clipping)
    activation_bits: tuple[int, ...] = ()
    base: int | None = None
    probes: int | None = None
    tolerance: float | None = None
    refine: int | None = None

    def __post_init__(self) -> None:
        def put(name: str, value: object) -> None:
            object.__setattr__(self, name, value)

        if self.method != "exact":
            put("base", None)
            put("tolerance", None)
        if (self.method, self.target) != ("projected", "weight"):
            put("refine", None)
        if self.target != "both":
            put("activation_bits", ())
        put("probes", self._probes())
        whole = self.base is not None or self.target == "both"
        put("clipping", _used(self.clipping, None if whole else self.target, self.method))

    def _probes(self) -> int | None:
        """Images differ more than the directions of one image do: one each is enough for many."""
        if self.method == "hessian":
            return self.probes or HESSIAN_PROBES
        if self.method == "projected":
            return self.probes or math.ceil(FEWEST_DRAWS / self.images)
        return None

    @property
    def widths(self) -> tuple[Width, ...]:
        """Every bit width, or pair of them, that a layer is measured at."""
        if self.target != "both":
            return tuple(Width(b) for b in self.bits)
        if not self.activation_bits:
            return tuple(Width(b, b) for b in self.bits)
        return tuple(Width(w, a) for w in self.bits for a in self.activation_bits)

    @property
    def rounds_inputs(self) -> bool:
        """True where thresholds of layer inputs are needed."""
        return self.base is not None or self.target != "weight"

    @property
    def corrects_biases(self) -> bool:
        """True where mean inputs are needed."""
        rounds_weights = self.base is not None or self.target != "activation"
        return rounds_weights and self.clipping.bias_correction

    @property
    def quantity(self) -> str:
        """What the value of a row is called: ΔL where it is a loss, else by the measure."""
        return {"hessian": "Ω", "noise": "output error"}.get(self.method, "ΔL")

    @property
    def unit(self) -> str:
        """What the quantity is counted in; empty for Ω, which orders layers and no more."""
        if self.method == "noise":
            return "of the layer output's energy"
        return "" if self.method == "hessian" else UNITS[self.objective]

    def quantity_in_unit(self, per: str = "") -> str:
        """For axes and headings: ``ΔL (nats)``, ``ΔL (nats per kB)``, ``Ω``."""
        unit = f"{self.unit} {per}".strip()
        return f"{self.quantity} ({unit})" if unit else self.quantity

    @property
    def quantizer(self) -> str:
        """How the target is rounded, in words."""
        if self.target != "both":
            return quantizer_text(self.clipping, self.target)
        both = (
            quantizer_text(self.clipping, "weight"),
            quantizer_text(self.clipping, "activation"),
        )
        return "; ".join(
            f"{what}: {text}" for what, text in zip(("weights", "inputs"), both, strict=True)
        )

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "bits": list(self.bits),
            "activation_bits": list(self.activation_bits),
            "clipping": self.clipping.to_json(),
        }

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> SensitivityConfig:
        """The inverse of ``to_json``; KeyError, TypeError or ValueError for a wrong field."""
        known = (("objective", OBJECTIVES), ("method", METHODS), ("target", TARGETS))
        for name, names in known:
            if data[name] not in names:
                raise ValueError(f"{name!r} is {data[name]!r}, not one of {', '.join(names)}")
        clipping = data.get("clipping")
        config = SensitivityConfig(
            bits=_widths(data, "bits"),
            objective=data["objective"],
            images=fields.whole(data, "images", 1),
            seed=fields.whole(data, "seed"),
            method=data["method"],
            target=data["target"],
            # A table from before thresholds could be chosen names none.
            clipping=_FIRST if clipping is None else Clipping.from_json(clipping),
            activation_bits=_widths(data, "activation_bits") if data.get("activation_bits") else (),
            base=data.get("base"),
            probes=fields.whole(data, "probes", 1) if data.get("probes") else None,
            tolerance=fields.number_or_none(data, "tolerance") if "tolerance" in data else None,
            refine=fields.whole(data, "refine", 1) if data.get("refine") else None,
        )
        check_config(config)
        return config


def check_config(config: SensitivityConfig) -> None:
    """BadInput for what cannot be asked together."""
    if config.base not in (None, BASE_BITS):
        raise BadInput(f"the base is full precision or {BASE_BITS} bits, not {config.base!r}")
    prunes = PRUNED in config.bits
    if prunes and (config.target != "weight" or config.method not in ("exact", "projected")):
        raise BadInput(
            "0 bits prune weights; they are measured with --target weight and --method exact or "
            "projected"
        )
    if PRUNED in config.activation_bits:
        raise BadInput(f"inputs cannot be pruned; give --activation-bits from {MIN_BITS} on")
    if config.method == "hessian" and config.target != "weight":
        raise BadInput("the Hessian measure is of weights; use --target weight")
    apart = [str(bits) for bits in config.activation_bits if bits not in config.bits]
    if apart and config.method == "projected":  # whose projections have one list of widths
        raise BadInput(
            "projected inputs have widths that weights have too; "
            f"add {', '.join(apart)} to --bits, or measure with --method exact"
        )
    if config.refine is not None and config.refine < LEAST_REFINE:
        raise BadInput(
            f"refining takes at least {LEAST_REFINE} forward passes, {config.refine} would measure "
            "nothing"
        )
    if config.seed > LARGEST_SEED:
        raise BadInput(f"the seed is {config.seed}; give a whole number up to {LARGEST_SEED}")
    if config.tolerance is not None and not 0 < config.tolerance < 1:
        raise BadInput(f"a tolerance is a fraction between 0 and 1, not {config.tolerance:g}")


_FIRST = Clipping(bias_correction=False)


def _used(clipping: Clipping, target: Quantized | None, method: Measure) -> Clipping:
    """Without what is not used. ``target`` None: both are."""
    if method == "hessian":  # the formula knows the squared change of weights alone
        clipping = Clipping(
            clipping.weight,
            weight_percentile=clipping.weight_percentile,
            overrides=clipping.overrides_of("weight"),
            bias_correction=False,
            per_kernel=clipping.per_kernel,
        )
    if target == "weight" or target == "activation":
        return clipping.of(target)
    return clipping.joined(clipping)


def _widths(data: Mapping[str, Any], name: str) -> tuple[int, ...]:
    bits = weight_widths(data, name)
    if len(set(bits)) < len(bits):
        raise ValueError(f"{name!r} are {bits}, not different widths")
    return bits
