"""Hostile and broken files of weights."""

from __future__ import annotations

import functools
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from attack_files import NAMES, Payload, pickled, program, saved, script, zipped
from hostile_case import Case, cut, encrypted, many_entries, one, with_entry
from safetensors.torch import save
from torch import Tensor

from qcore.graph.torchvision_import import import_torchvision

PLAIN = {"a.weight": torch.ones(4, 3), "a.bias": torch.ones(4)}
CONTAINERS: dict[str, Callable[[dict[str, Tensor]], bytes]] = {
    "net.safetensors": save,
    "net.pth": saved,
    "net.pt": lambda state: saved(state, legacy=True),
}


@functools.cache
def _squeezenet() -> dict[str, Tensor]:
    torch.manual_seed(0)
    module = import_torchvision().models.squeezenet1_1(weights=None)
    return {key: tensor.half() for key, tensor in module.state_dict().items()}


def _changed(value: float) -> dict[str, Tensor]:
    """Weights of a torchvision network, one of them changed."""
    changed = _squeezenet()["features.3.squeeze.weight"].clone()
    changed[0, 0] = value
    return {**_squeezenet(), "features.3.squeeze.weight": changed}


def _everywhere(what: str, state: Callable[[], dict[str, Tensor]], message: str) -> dict[str, Case]:
    """The same weights in every container."""

    def case(name: str, pack: Callable[[dict[str, Tensor]], bytes]) -> Case:
        return one(name, lambda mark: pack(state()), message)

    return {f"{what}, {name}": case(name, pack) for name, pack in CONTAINERS.items()}


def _header(tensors: Any, data: bytes = bytes(8), length: int | None = None) -> bytes:
    """A .safetensors file of that header."""
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


def _claims(*shape: int, dtype: str = "F32") -> dict[str, Any]:
    return {"a.weight": {"dtype": dtype, "shape": list(shape), "data_offsets": [0, 8]}}


def _code(mark: Path, **options: bool) -> bytes:
    return saved({"a": torch.ones(2), "w": Payload(mark)}, **options)


_BOMB = {"net/data.pkl": b"\x80\x02}.", "net/data/0": bytes(10**7), "net/version": b"3\n"}
_NOTHING = "holds weights that fit no torchvision network"

STATE: dict[str, Case] = {
    "code in a .pth": one("net.pth", _code, "holds pickled objects besides tensors"),
    "code in an old .pth": one(
        "net.pth", lambda mark: _code(mark, legacy=True), "holds pickled objects besides tensors"
    ),
    "code in a bare pickle": one("net.pt", pickled, "holds pickled objects besides tensors"),
    "code called .safetensors": one(
        "net.safetensors", pickled, "holds pickled objects besides tensors"
    ),
    "TorchScript": one("net.pt", script, "is a TorchScript archive"),
    "a network called .pth": one(
        "net.pth", lambda mark: program(), "is a program exported by torch.export"
    ),
    "a web page": one("net.pth", b"<html>404</html>", "is neither a .safetensors file nor"),
    "empty file": one("net.pth", b"", "is empty"),
    **_everywhere("NaN", lambda: _changed(float("nan")), "values that are NaN or infinite"),
    **_everywhere("infinity", lambda: _changed(float("inf")), "values that are NaN or infinite"),
    **_everywhere("no architecture", lambda: PLAIN, _NOTHING),
    **_everywhere("no tensors", dict, "holds no state dict"),
    **_everywhere("names to mislead", lambda: {name: torch.ones(2) for name in NAMES}, _NOTHING),
    **_everywhere("complex", lambda: {"w": torch.zeros(2, dtype=torch.complex64)}, "tensor 'w'"),
    "truncated .safetensors": one("net.safetensors", cut(save(PLAIN)), "cannot be read"),
    "truncated .pth": one("net.pth", cut(saved(PLAIN)), "is no ZIP archive, or is cut off"),
    "truncated old .pth": one(
        "net.pt", cut(saved(PLAIN, legacy=True)), "cannot be read as weights"
    ),
    "a header of 10^15": one("net.safetensors", _header({}, length=10**15), "its header claims"),
    "a header of 2^63": one("net.safetensors", _header({}, length=2**63), "its header claims"),
    "a header of 50 MB": one(
        "net.safetensors", _header({"k": "x" * 50_000_000}), "what tensor 'k' is"
    ),
    "a tensor of 10^12": one("net.safetensors", _header(_claims(10**12)), "does not fit its 8"),
    "a tensor of 10^36": one(
        "net.safetensors", _header(_claims(*[10**12] * 3)), "does not fit its 8"
    ),
    "a tensor of unknown type": one("net.safetensors", _header(_claims(2, dtype="F1")), "(F1)"),
    "a deflated bomb": one("net.pth", zipped(_BOMB, zipfile.ZIP_DEFLATED), "is compressed"),
    "a name above": one("net.pth", with_entry(saved(PLAIN), "../../mark"), "outside of itself"),
    "an absolute name": one(
        "net.pth", lambda mark: with_entry(saved(PLAIN), str(mark)), "outside of itself"
    ),
    "10^6 entries": one(
        "net.pth", lambda mark: many_entries(10**6), "entries; give an archive of fewer"
    ),
    "encrypted": one("net.pth", encrypted(saved(PLAIN)), "is encrypted"),
    "a ZIP without entries": one("net.pth", zipped({}), "is neither a"),
    "numbers of int8": one(
        "net.pth",
        lambda mark: saved({"w": torch.quantize_per_tensor(torch.eye(3), 0.1, 0, torch.qint8)}),
        "quantized",
    ),
    "weights that fit": Case(
        lambda mark: {"net.safetensors": save(_squeezenet())}, "fit squeezenet1_1", works=True
    ),
}
