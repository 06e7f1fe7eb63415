"""Hostile and broken .pt2 files."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from attack_files import (
    SIZE,
    Payload,
    edited,
    exported,
    pickled,
    program,
    rezipped,
    saved,
    script,
    zipped,
)
from hostile_case import (
    Case,
    cut,
    encrypted,
    fine,
    linked,
    one,
    overlapping,
    repeated,
    with_entry,
)
from hostile_pt2_operands import OPERANDS
from torch import Tensor, nn

MODEL, WEIGHTS = "models/model.json", "model_weights_config.json"


def _of_pickle(mark: Path) -> bytes:
    """A weight that is a pickle."""
    entry = {"use_pickle": True, "path_name": "weight_99"}
    content = edited(program(), WEIGHTS, lambda t: t["config"]["fc.bias"].update(entry))
    return rezipped(content, lambda e: {**e, _top(e) + "data/weights/weight_99": _evil(mark)})


def _samples(mark: Path) -> bytes:
    return rezipped(
        program(), lambda e: {**e, _top(e) + "data/sample_inputs/model.pt": _evil(mark)}
    )


def _top(entries: dict[str, bytes]) -> str:
    return next(iter(entries)).partition("/")[0] + "/"


def _evil(mark: Path) -> bytes:
    return saved((Payload(mark),))


def _expression(mark: Path) -> bytes:
    """A size that is a Python expression; torch gives it to sympify."""
    code = f"[__import__('os').mkdir('{mark}'), 2][1]"

    def change(tree: Any) -> None:
        sizes = tree["graph_module"]["graph"]["tensor_values"]["x"]["sizes"]
        sizes[0] = {"as_expr": {"expr_str": code, "hint": {"as_int": 2}}}

    return edited(program(), MODEL, change)


def _guards(mark: Path) -> bytes:
    code = f"(__import__('os').mkdir('{mark}'), True)[1]"
    return edited(program(), MODEL, lambda tree: tree.update(guards_code=[code]))


def _value_name(mark: Path) -> bytes:
    code = f"x=__import__('os').mkdir('{mark}')"
    return rezipped(program(), lambda e: {n: _renamed(c, n, code) for n, c in e.items()})


def _renamed(content: bytes, entry: str, code: str) -> bytes:
    if not entry.endswith(MODEL):
        return content
    return content.replace(b'"name": "x"', f'"name": {json.dumps(code)}'.encode())


def _tensor(**fields: Any) -> Callable[[Any], None]:
    def change(tree: Any) -> None:
        tree["config"]["fc.weight"]["tensor_meta"].update(fields)

    return change


def _sizes(*sizes: int) -> list[dict[str, int]]:
    return [{"as_int": size} for size in sizes]


def _image_size(tree: Any) -> None:
    values = tree["graph_module"]["graph"]["tensor_values"]
    values["x"]["sizes"][2:] = _sizes(10**9, 10**9)


def _weights(change: Callable[[Any], None], message: str) -> Case:
    return one("net.pt2", lambda mark: edited(program(), WEIGHTS, change), message)


def _graph(change: Callable[[Any], None], message: str) -> Case:
    return one("net.pt2", lambda mark: edited(program(), MODEL, change), message)


def _operator(target: str) -> Callable[[Any], None]:
    return lambda tree: tree["graph_module"]["graph"]["nodes"][1].update(target=target)


def _bent(how: Callable[..., bytes], *values: str, message: str) -> Case:
    return one("net.pt2", lambda mark: how(program(), *values), message)


def _hollow() -> nn.Module:
    """Its second layer has no inputs."""
    return nn.Sequential(nn.Conv2d(3, 8, SIZE), nn.Flatten(), nn.Linear(8, 0), nn.Linear(0, 10))


class _Hungry(nn.Module):
    """It asks for four terabytes; to export it takes none of them."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.conv(x).mean((2, 3)) + torch.ones(10**6, 10**6).mean()
        return out


_BOMB = {"net/archive_format": b"pt2", "net/data/weights/w": bytes(10**7)}

PT2: dict[str, Case] = {
    "truncated": _bent(cut, message="is no ZIP archive, or is cut off"),
    "no entries": one("net.pt2", zipped({}), "holds no exported network"),
    "a pickle": one("net.pt2", pickled, "is a pickle, which could run code"),
    "of torch.save": one("net.pt2", _evil, "a pickle of torch.save"),
    "TorchScript": one("net.pt2", script, "a TorchScript archive"),
    "a weight that is a pickle": one("net.pt2", _of_pickle, "'fc.bias' as a Python"),
    "sample inputs that run code": Case(lambda mark: {"net.pt2": _samples(mark)}, works=True),
    "a size that is code": one("net.pt2", _expression, "a size written as"),
    "guards that are code": Case(lambda mark: {"net.pt2": _guards(mark)}, works=True),
    "a value's name that is code": one("net.pt2", _value_name, "no plain name"),
    "os.system": _graph(_operator("torch.os.system"), "which is not of ATen"),
    "a file mapped": _graph(_operator("torch.ops.aten.from_file.default"), "'aten.from_file"),
    "compiled code": one(
        "net.pt2",
        lambda mark: rezipped(
            program(), lambda e: {**e, _top(e) + "data/aotinductor/model/m.so": b"\x7fELF"}
        ),
        "holds compiled code",
    ),
    "a weight of 10^12": _weights(_tensor(sizes=_sizes(10**12, 8)), "2^40 elements"),
    "a weight that repeats": _weights(
        _tensor(sizes=_sizes(10**5, 10**5), strides=_sizes(0, 0)), "'fc.weight'"
    ),
    "a weight of another type": _weights(_tensor(dtype=8), "'fc.weight'"),
    "images of 10^18 pixels": _graph(_image_size, "'x' of more than 2^40 elements"),
    "memory of 10^12": one(
        "net.pt2", lambda mark: exported(_Hungry()), "more than the 1 GB of memory"
    ),
    **OPERANDS,
    "NaN": one("net.pt2", lambda mark: program(value=float("nan")), "are NaN or infinite"),
    "infinity": one("net.pt2", lambda mark: program(value=float("inf")), "are NaN or infinite"),
    "no channels": one("net.pt2", lambda mark: exported(_hollow()), "has no weights"),
    "layers called like markup": one(
        "net.pt2", lambda mark: program(("<b>x</b>", "$(touch mark)")), "no plain dotted name"
    ),
    "layers of long names": fine("net.pt2", lambda mark: program(("long" * 50, "fc"))),
    "a bomb": one("net.pt2", zipped(_BOMB, zipfile.ZIP_DEFLATED), "a ZIP bomb"),
    "a name above": _bent(with_entry, "../../mark", message="leaves the archive"),
    "an absolute name": one(
        "net.pt2", lambda mark: with_entry(program(), str(mark)), "an absolute path"
    ),
    "a link": _bent(linked, "archive/l", "/etc/passwd", message="a symbolic link"),
    "an entry twice": one(
        "net.pt2",
        repeated(zipped({"net/one": b"", "net/two": b""}), "net/two", "net/one"),
        "is there twice",
    ),
    "encrypted": _bent(encrypted, message="is encrypted"),
    "entries that overlap": _bent(overlapping, message="share their data"),
}
