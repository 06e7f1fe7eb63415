"""Where tensors live."""

from __future__ import annotations

import torch


def default_device() -> torch.device:
    """The first CUDA device where one is present (with TF32 off), else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    # TF32 rounds to 10 bits of mantissa: noise as large as the losses that 8 bits add.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    return torch.device("cuda")
