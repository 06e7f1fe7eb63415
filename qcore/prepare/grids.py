"""Fit a quantizer to one layer's weights and keep what pages draw of it. Loads torch."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from qcore.errors import BadInput, Stopped
from qcore.jobs.questions import GridsQuestion
from qcore.prepare.grids_file import grids_file
from qcore.prepare.prepared import read_layer
from qcore.quantize.limits import GRID_BITS
from qcore.quantize.registry import QUANTIZERS, EvenLevels, Levels, Quantizer, levels_list
from qcore.store.disk import MOST_BYTES, keep_newest, used_now
from qcore.store.home import weights_file


def write_grids(
    asked: GridsQuestion,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, object]:
    """Levels and errors at ``GRID_BITS``, written for ``read_grids``, whole or not at all.

    Raises BadInput for a quantizer or a layer that there is none of, and where the network's
    prepared weights are gone; Stopped where ``should_stop`` says so between two bit widths.
    """
    if asked.quantizer not in QUANTIZERS:
        raise BadInput(f"no quantizer {asked.quantizer!r}; choose one of {', '.join(QUANTIZERS)}")
    quantizer, rows = QUANTIZERS[asked.quantizer], _rows(asked)
    found: dict[str, list[Tensor]] = {}
    arrays: dict[str, Tensor] = {}
    for number, bits in enumerate(GRID_BITS):
        if should_stop():
            raise Stopped
        on_progress(number / len(GRID_BITS), f"{asked.quantizer}, {bits} bits")
        arrays[f"levels-{bits}"], parts = _at(quantizer, rows, bits)
        for key, values in parts.items():
            found.setdefault(key, []).append(values.double())
    arrays |= {key: torch.stack(values, -1) for key, values in found.items()}
    if "count" in arrays:
        arrays["count"] = arrays["count"].long()
    path = grids_file(asked)
    draft = path.with_suffix(f".{os.getpid()}.draft")
    save_file({key: array.contiguous() for key, array in arrays.items()}, draft)
    draft.replace(path)
    used_now(path)
    keep_newest(path.parent, MOST_BYTES)
    return {"bits": list(GRID_BITS)}


def _rows(asked: GridsQuestion) -> Tensor:
    """The weights (kernels, weights per kernel), without loading the network."""
    try:
        rows = read_layer(weights_file(asked.model_fingerprint), asked.layer)
    except FileNotFoundError as error:
        raise BadInput("the network's weights are no longer kept; open it again") from error
    except KeyError as error:
        raise BadInput(f"the network has no layer {asked.layer!r}") from error
    return torch.from_numpy(np.ascontiguousarray(rows))


def _at(quantizer: Quantizer, rows: Tensor, bits: int) -> tuple[Tensor, dict[str, Tensor]]:
    """The layer's levels at one bit width, and what there is of the layer () and of kernels."""
    whole = rows.reshape(1, -1)
    fitted = quantizer.fit(whole, bits)
    levels = levels_list(fitted, 0)
    mse, clipped = _errors(quantizer, whole, fitted, levels[None])
    parts = {"layer_mse": mse[0], "layer_clipped": clipped[0]}
    if quantizer.per_kernel:
        fitted = quantizer.fit(rows, bits)
        assert isinstance(fitted, EvenLevels)
        first, step, count = fitted.first, fitted.step, fitted.count
        parts |= {"first": first[:, 0], "step": step[:, 0], "count": torch.tensor(count)}
        own = first + step * torch.arange(count)
    else:
        own = levels[None].expand(len(rows), -1)
    mse, clipped = _errors(quantizer, rows, fitted, own)
    return levels, {**parts, "kernel_mse": mse, "kernel_clipped": clipped}


def _errors(
    quantizer: Quantizer, rows: Tensor, fitted: Levels, levels: Tensor
) -> tuple[Tensor, Tensor]:
    """Of each row: mean squared error, and the fraction beyond half a step from the ends."""
    error = (quantizer.round(rows, fitted) - rows).double().square().mean(dim=1)
    # A codebook of weights that are all equal has one level, and no steps.
    half = levels.diff(dim=1) / 2 if levels.shape[1] > 1 else torch.zeros_like(levels)
    low, high = levels[:, :1] - half[:, :1], levels[:, -1:] + half[:, -1:]
    return error, ((rows < low) | (rows > high)).double().mean(dim=1)
