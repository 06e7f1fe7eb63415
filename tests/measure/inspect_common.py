"""What enters the layers of a plain module, and images of noise to look at."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from qcore.data.dataset import Dataset
from qcore.data.preprocess import Preprocessing
from qcore.measure.data_report import DataReport

BINS = 2048
SHAPE = (3, 8, 8)
NAMES = ["stem", "first", "second", "head"]


def inputs_of_layers(module: nn.Module, inputs: Any, names: list[str]) -> dict[str, np.ndarray]:
    """What enters each layer, one row an image."""
    seen: dict[str, np.ndarray] = {}

    def hear(name: str) -> Any:
        return lambda part, args: seen.update({name: args[0].detach().flatten(1).double().numpy()})

    hooks = [module.get_submodule(n).register_forward_pre_hook(hear(n)) for n in names]
    with torch.inference_mode():
        module(*inputs) if isinstance(inputs, tuple) else module(inputs)
    for hook in hooks:
        hook.remove()
    return seen


def check_thresholds(report: DataReport, entering: dict[str, np.ndarray]) -> None:
    """Each is above the true percentile by at most one bin."""
    assert {la.layer for la in report.layers} == set(entering)
    for layer in report.layers:
        values = np.abs(entering[layer.layer])
        one_bin = 2 * values.max() / BINS  # a power of two
        halves = (layer.even_threshold, values[0::2]), (layer.odd_threshold, values[1::2])
        for found, half in halves:
            exact = np.quantile(half, 0.999, method="inverted_cdf")
            assert found is not None
            assert exact - 1e-5 * values.max() <= found <= exact + 1.001 * one_bin


def bytes_data(count: int = 37, labels: bool = True) -> Dataset:
    generator = torch.Generator().manual_seed(5)
    images = torch.randint(256, (count, *SHAPE), generator=generator).byte()
    how = Preprocessing(8, (8, 8), (0.4, 0.5, 0.6), (0.2, 0.25, 0.3))
    chosen = torch.randint(5, (count,), generator=generator) if labels else None
    return Dataset("bytes", images, chosen, how, ("a note",))
