"""torchvision's classification networks: around a state dict, or with their published weights."""

from __future__ import annotations

import functools
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput
from qcore.graph.recipes import EXPORT_HINT
from qcore.graph.reference import check_architecture
from qcore.graph.state_dict import StateDict, read_state
from qcore.graph.torchvision_download import Unavailable, fetch
from qcore.graph.torchvision_fit import (
    Fit,
    fit_state,
    has_input_transform,
    module_without_values,
    new_module,
    reads_image_size,
)
from qcore.graph.torchvision_import import import_torchvision

_SHOWN = 3
# Below this share of equal names and shapes a suggestion would mislead.
_LEAST_AGREEMENT = 0.2
_MB = 2**20


@dataclass(frozen=True, eq=False)
class TorchvisionModel:
    """A network in evaluation mode and how its images are prepared.

    ``random`` says that the weights mean nothing; the last note then says why and the way out.
    """

    module: nn.Module
    preprocessing: Preprocessing
    notes: tuple[str, ...]
    random: bool = False


@functools.cache
def architectures() -> tuple[str, ...]:
    """Names of all classification networks of torchvision, sorted."""
    models = import_torchvision().models
    return tuple(models.list_models(module=models))


def build_with_state(architecture: str, state: StateDict) -> TorchvisionModel:
    """The network with these weights, for as many classes as its head has.

    Raises BadInput for an unknown architecture and for weights that do not fit, listing the first
    names that are missing, unexpected or of another shape. The module shares its memory with
    ``state``. The global random numbers are not touched.
    """
    check_architecture(architecture)
    fit = fit_state(architecture, state.tensors)
    if not fit.fits:
        raise BadInput(_misfit(fit, state))
    notes = [*state.notes, f"{fit.classes} classes, read from {fit.head!r}"]
    if fit.left_out:
        notes.append("the auxiliary heads are left out: inference does not use them")
    if has_input_transform(architecture):
        notes.append(
            "the network changes its input to -1 .. 1 itself, as torchvision's published weights "
            "need it (transform_input=True)"
        )
    preprocessing = _preprocessing(_default_weights(architecture).transforms(), fit.image_px)
    return TorchvisionModel(_loaded(fit), preprocessing, tuple(notes))


def build_pretrained(architecture: str) -> TorchvisionModel:
    """The network with torchvision's default weights, from this computer or downloaded once.

    Where they cannot be had: random weights (seed 0), ``random`` True and a note. Raises BadInput
    for an unknown architecture.
    """
    check_architecture(architecture)
    weights = _default_weights(architecture)
    preprocessing = _preprocessing(weights.transforms(), None)
    try:
        path = fetch(weights.url, _largest_bytes(weights))
    except Unavailable as error:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            image_px = preprocessing.crop_px[0] if reads_image_size(architecture) else None
            classes = len(weights.meta["categories"])
            module = new_module(architecture, classes, image_px)
        note = (
            f"random weights, the pretrained ones could not be downloaded ({error}): shapes, sizes "
            "and costs are right, sensitivity and accuracy mean nothing; on a machine that is "
            f"online download {weights.url} and give torchvision:{architecture}@FILE"
        )
        return TorchvisionModel(module, preprocessing, (note,), random=True)
    model = build_with_state(architecture, read_state(path, path.name))
    note = f"pretrained weights of torchvision, {weights.name} ({path.name})"
    return replace(model, notes=(note, *model.notes))


def guess_architectures(state: StateDict, limit: int = 5) -> tuple[str, ...]:
    """At most ``limit`` architectures, those that fit exactly first, then by share of equal names
    and shapes; none where little is equal. Takes seconds when it is called first.
    """
    return tuple(fit.architecture for fit in _ranked(state)[:limit])


def _ranked(state: StateDict) -> list[Fit]:
    fits = [fit_state(name, state.tensors) for name in architectures()]
    close = [fit for fit in fits if fit.agreement >= _LEAST_AGREEMENT]
    return sorted(close, key=lambda fit: (not fit.fits, -fit.agreement))


def _misfit(fit: Fit, state: StateDict) -> str:
    kinds = [
        _listed(len(fit.missing), "missing", [repr(key) for key in fit.missing]),
        _listed(len(fit.unexpected), "unexpected", [repr(key) for key in fit.unexpected]),
        _listed(len(fit.misshapen), "misshapen", list(fit.misshapen)),
    ]
    ranked = [other for other in _ranked(state) if other.architecture != fit.architecture]
    exact = [other.architecture for other in ranked if other.fits]
    close = [other.architecture for other in ranked[:_SHOWN]]
    if exact:
        way_out = f"they fit {' and '.join(exact[:_SHOWN])}: give that name"
    elif close and fit.agreement < ranked[0].agreement:
        way_out = f"closest is {', '.join(close)}; or {EXPORT_HINT}"
    else:
        way_out = f"if the network was changed, {EXPORT_HINT}"
    listed = ", ".join(kind for kind in kinds if kind)
    return f"the weights do not fit {fit.architecture}: {listed}; {way_out}"


def _listed(count: int, kind: str, names: list[str]) -> str:
    if not count:
        return ""
    more = ", ..." if count > _SHOWN else ""
    shown = ", ".join(name[:120] for name in names[:_SHOWN])
    return f"{count} {kind} tensor{'s' if count > 1 else ''} ({shown}{more})"


def _loaded(fit: Fit) -> nn.Module:
    module = module_without_values(fit.architecture, fit.classes, fit.image_px)
    own = module.state_dict()
    # Checkpoints of torch before 0.4.1 do not count batches; inference does not either.
    complete = OrderedDict(
        (key, fit.tensors[key] if key in fit.tensors else torch.zeros_like(value, device="cpu"))
        for key, value in own.items()
    )
    # MNASNet asks for the version of its layout, which only this attribute holds.
    complete._metadata = own._metadata  # type: ignore[attr-defined]
    module.load_state_dict(complete, strict=True, assign=True)
    left = [name for name, buffer in module.named_buffers() if buffer.is_meta]
    if left:
        raise AssertionError(f"buffers without values in {fit.architecture}: {left[:3]}")
    return module.eval()


def _preprocessing(preset: Any, image_px: int | None) -> Preprocessing:
    crop, resize = preset.crop_size[0], preset.resize_size[0]
    if image_px is not None and image_px != crop:
        crop, resize = image_px, round(image_px * resize / crop)
    interpolation = preset.interpolation.value
    return Preprocessing(
        resize, (crop, crop), tuple(preset.mean), tuple(preset.std), interpolation=interpolation
    )


def _default_weights(architecture: str) -> Any:
    return import_torchvision().models.get_model_weights(architecture).DEFAULT


def _largest_bytes(weights: Any) -> int:
    """A little above the size that torchvision states for the file, in MiB."""
    return int((weights.meta["_file_size"] * 1.05 + 1) * _MB)
