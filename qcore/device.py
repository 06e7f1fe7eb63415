"""Where tensors live."""

from __future__ import annotations

import torch


def default_device() -> torch.device:
    """The first CUDA device where one is present, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
