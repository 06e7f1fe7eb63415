"""MODEL -> Network: ``sample:NAME``, ``torchvision:NAME[@FILE]``."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import torch
from torch import Tensor, nn

from qcore.data.preprocess import Preprocessing
from qcore.device import default_device
from qcore.errors import BadInput
from qcore.graph.describe import fingerprint, take_census
from qcore.graph.fold import fold_batch_norms, fold_constants
from qcore.graph.layer import Description
from qcore.graph.network import Network
from qcore.graph.program import export_module
from qcore.graph.torchvision_import import import_torchvision
from qcore.samples import SAMPLES, build_sample

RANDOM_WEIGHTS = (
    "random weights: shapes, sizes and costs are right, sensitivity and accuracy mean nothing"
)


def load_network(reference: str) -> Network:
    """Load, export, fold and describe a network; the last two loaded are kept in memory.

    Raises BadInput for an unknown or malformed reference, a missing or unreadable file, weights
    that are not finite, and networks that cannot be exported or have nothing to quantize.
    """
    file = Path(reference.partition("@")[2])
    stamp = file.stat().st_mtime_ns if "@" in reference and file.is_file() else None
    return _load(reference, stamp)


@functools.lru_cache(maxsize=2)
def _load(reference: str, stamp: int | None) -> Network:
    kind, _, name = reference.partition(":")
    if kind == "sample":
        if name not in SAMPLES:
            raise BadInput(f"no sample is called {name!r}; there are: {', '.join(SAMPLES)}")
        return build_network(build_sample(name), reference, SAMPLES[name].preprocessing)
    architecture, at, file = name.partition("@")
    if kind == "torchvision" and architecture and bool(at) == bool(file):
        return _torchvision(architecture, Path(file) if file else None, reference)
    raise BadInput(
        f"cannot read a network from {reference!r}; "
        "give sample:NAME or torchvision:NAME@FILE (.safetensors, .pt or .pth)"
    )


def build_network(
    module: nn.Module, name: str, preprocessing: Preprocessing, weights_note: str | None = None
) -> Network:
    """A module in memory as a Network. Raises BadInput as ``load_network`` does."""
    module = module.eval()
    check_finite(dict(module.state_dict()))
    parameters = sum(p.numel() for p in module.parameters())
    shape = (preprocessing.channels, preprocessing.crop_px, preprocessing.crop_px)
    program = export_module(module, shape)
    fold_constants(program)
    folded = fold_batch_norms(program)
    check_finite(program.tensors)
    census = take_census(program, shape)
    weight_keys = {layer.weight_key for layer in census.layers}
    description = Description(
        name=name,
        fingerprint=fingerprint(program, shape),
        parameters=parameters,
        input_shape=shape,
        outputs=census.outputs,
        layers=census.layers,
        not_quantized=census.not_quantized,
        macs_not_quantized=census.macs_not_quantized,
        other_count=sum(t.numel() for k, t in program.tensors.items() if k not in weight_keys),
        folded_batch_norms=folded,
        weights_note=weights_note,
    )
    return Network(
        program.graph,
        program.tensors,
        program.constants,
        program.input_node,
        description,
        preprocessing,
        default_device(),
    )


def check_finite(tensors: dict[str, Tensor]) -> None:
    """BadInput naming the first tensor that holds NaN or infinity, and how many it holds."""
    for key, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            count = int((~torch.isfinite(tensor)).sum())
            raise BadInput(
                f"tensor {key!r} holds {count} values that are NaN or infinite; "
                "train or export the network again"
            )


def _torchvision(architecture: str, file: Path | None, reference: str) -> Network:
    torchvision = import_torchvision()
    known = torchvision.models.list_models(module=torchvision.models)
    if architecture not in known:
        raise BadInput(
            f"torchvision has no classification network {architecture!r}; "
            f"there are {len(known)}, for example resnet18, mobilenet_v2, vit_b_16"
        )
    preset = torchvision.models.get_model_weights(architecture).DEFAULT.transforms()
    preprocessing = Preprocessing(
        preset.resize_size[0], preset.crop_size[0], tuple(preset.mean), tuple(preset.std)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = torchvision.models.get_model(architecture, weights=None)
    if file is None:
        return build_network(module, reference, preprocessing, RANDOM_WEIGHTS)
    load_state(module, read_state(file), architecture)
    return build_network(module, reference, preprocessing)


def read_state(file: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors, .pt or .pth file. Never unpickles code; BadInput otherwise."""
    if not file.is_file():
        raise BadInput(f"there is no file {str(file)!r}; check the path after '@'")
    try:
        if file.suffix == ".safetensors":
            from safetensors.torch import load_file

            return dict(load_file(file))
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # both readers raise many types on a broken file
        reason = re.split(r"[\n.]", str(error).strip())[0][:160]
        raise BadInput(
            f"{file.name} cannot be read as weights ({reason}); "
            "save a state dict: torch.save(model.state_dict(), 'weights.pt')"
        ) from error
    entries = state.items() if isinstance(state, dict) else ((None, None),)
    if not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in entries):
        raise BadInput(
            f"{file.name} is not a state dict; save torch.save(model.state_dict(), 'weights.pt')"
        )
    return dict(state)


def load_state(module: nn.Module, state: dict[str, Tensor], architecture: str) -> None:
    """Load strictly; BadInput counts what is missing, unexpected or of another shape."""
    own = module.state_dict()
    missing = sorted(own.keys() - state.keys())
    unexpected = sorted(state.keys() - own.keys())
    shapes = sorted(k for k in own.keys() & state.keys() if own[k].shape != state[k].shape)
    for what, keys in (("missing", missing), ("unexpected", unexpected), ("misshapen", shapes)):
        if keys:
            raise BadInput(
                f"the weights do not fit {architecture}: {len(keys)} {what} tensors, "
                f"first {keys[0]!r}; name the architecture they were trained with"
            )
    module.load_state_dict(state)
