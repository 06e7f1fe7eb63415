"""Which torchvision network a state dict belongs to, judged by names and shapes alone."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from qcore.graph.torchvision_import import import_torchvision

# No network has a layer of this size, so it marks the heads.
_CLASSES = 997
_COUNTER = "num_batches_tracked"
_WITH_AUXILIARY = {"googlenet": ("aux1.", "aux2."), "inception_v3": ("AuxLogits.",)}
# Names of DenseNet layers before torchvision 0.2, as its own loader rewrites them.
_OLD_DENSENET = re.compile(
    r"(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\.(?:weight|bias|running_mean|running_var))"
)
_EMPTY: tuple[Callable[..., Tensor], ...] = (torch.empty, torch.zeros, torch.ones)


@dataclass(frozen=True, eq=False)
class Fit:
    """A state dict held against an architecture. ``head`` names where ``classes`` was read."""

    architecture: str
    tensors: dict[str, Tensor]
    classes: int
    head: str
    image_px: int | None
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    misshapen: tuple[str, ...]
    left_out: tuple[str, ...]
    agreement: float

    @property
    def fits(self) -> bool:
        return not (self.missing or self.unexpected or self.misshapen)


def fit_state(architecture: str, tensors: Mapping[str, Tensor]) -> Fit:
    """Compare without building anything in memory; ``agreement`` is 0 to 1 (equal)."""
    own, left_out = _adapted(architecture, tensors)
    image_px = _image_px(architecture, own)
    shapes = _shapes(architecture, image_px)
    heads = [key for key, (shape, _) in shapes.items() if shape and shape[0] == _CLASSES]
    head = next(key for key in reversed(heads) if key.endswith("weight"))
    classes = _CLASSES
    if head in own and own[head].shape[1:] == shapes[head][0][1:] and own[head].ndim > 1:
        classes = own[head].shape[0]
    expected = {
        key: ((classes, *shape[1:]) if key in heads else shape, floating)
        for key, (shape, floating) in shapes.items()
    }
    missing = [k for k in expected if k not in own and not k.endswith(_COUNTER)]
    unexpected = [k for k in own if k not in expected]
    misshapen = [
        f"{k!r} is {_shape(own[k].shape)}, not {_shape(shape)}"
        if own[k].shape != shape
        else f"{k!r} holds whole numbers"
        for k, (shape, floating) in expected.items()
        if k in own and (own[k].shape != shape or (floating and not own[k].is_floating_point()))
    ]
    right = len(own) - len(unexpected) - len(misshapen)
    return Fit(
        architecture,
        own,
        classes,
        head,
        image_px,
        tuple(missing),
        tuple(unexpected),
        tuple(misshapen),
        left_out,
        right / max(1, len(own) + len(missing)),
    )


def module_without_values(architecture: str, classes: int, image_px: int | None) -> nn.Module:
    """The network with parameters on the meta device: shapes, no memory, no random numbers."""
    with _MetaParameters():
        return new_module(architecture, classes, image_px)


def new_module(architecture: str, classes: int, image_px: int | None) -> nn.Module:
    """The network with random weights. Auxiliary heads, which inference skips, are left away."""
    options: dict[str, Any] = {} if image_px is None else {"image_size": image_px}
    if architecture in _WITH_AUXILIARY:
        # transform_input: what the published weights, and those tuned from them, were trained
        # with. init_weights: its random numbers take half a minute.
        options |= {"aux_logits": False, "init_weights": False, "transform_input": True}
    models = import_torchvision().models
    module: nn.Module = models.get_model(architecture, weights=None, num_classes=classes, **options)
    return module.eval()


def reads_image_size(architecture: str) -> bool:
    """True for the networks whose weights depend on the image's size."""
    return architecture.startswith("vit_")


def has_input_transform(architecture: str) -> bool:
    """True for the networks that change their input from ImageNet's scale to -1 .. 1."""
    return architecture in _WITH_AUXILIARY


class _MetaParameters(TorchFunctionMode):
    """New empty tensors are on meta; others, such as index tables, are real.

    ``torch.device("meta")`` would also take the values that RegNet computes its widths from.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if function in _EMPTY and kwargs.get("device") is None:
            kwargs["device"] = "meta"
        return function(*args, **kwargs)


@functools.lru_cache(maxsize=128)
def _shapes(architecture: str, image_px: int | None) -> dict[str, tuple[tuple[int, ...], bool]]:
    """Name -> shape and whether it is floating point, with ``_CLASSES`` classes."""
    state = module_without_values(architecture, _CLASSES, image_px).state_dict()
    return {key: (tuple(t.shape), t.is_floating_point()) for key, t in state.items()}


def _adapted(
    architecture: str, tensors: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """With today's names and without the auxiliary heads; the second holds what was left out."""
    auxiliary = _WITH_AUXILIARY.get(architecture, ())
    own, left_out = {}, []
    for key, tensor in tensors.items():
        old = _OLD_DENSENET.fullmatch(key) if architecture.startswith("densenet") else None
        if auxiliary and key.startswith(auxiliary):
            left_out.append(key)
        else:
            own[old[1] + old[2] if old else key] = tensor
    return own, tuple(left_out)


def _image_px(architecture: str, tensors: Mapping[str, Tensor]) -> int | None:
    """Side of the images that a vision transformer's positions are for; None: the usual."""
    position, patch = tensors.get("encoder.pos_embedding"), tensors.get("conv_proj.weight")
    if not reads_image_size(architecture) or position is None or patch is None:
        return None
    if position.ndim != 3 or patch.ndim != 4 or patch.shape[2] != patch.shape[3]:
        return None
    side = math.isqrt(max(0, position.shape[1] - 1))
    square = side * side == position.shape[1] - 1 and side > 0
    own_patch = int(architecture.rpartition("_")[2])
    return side * own_patch if square and patch.shape[2] == own_patch else None


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(str(size) for size in shape) or "one number"
