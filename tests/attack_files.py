"""Small good files, and payloads that leave a mark if they run: parts of hostile files."""

from __future__ import annotations

import functools
import io
import json
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from torch import Tensor, nn

SIZE = 16
NAMES = (
    "<b>x</b>",
    "../../etc/passwd",
    "$(touch mark)`touch mark`;|&",
    "🙂\u202egnp.exe",
    "**bold** ![a](http://x/y.png) [b](javascript:1)",
    "long" * 75,
)
"""What a tensor, a layer or a file may be called to mislead a page, a shell or a person."""


class Payload:
    """Unpickling it makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.mark),)


class Small(nn.Module):
    """Two layers, ten classes, 16 x 16 colour images."""

    def __init__(self, names: tuple[str, str] = ("conv", "fc")) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.names = names
        self.add_module(names[0], nn.Conv2d(3, 8, 3))
        self.add_module(names[1], nn.Linear(8, 10))

    def forward(self, x: Tensor) -> Tensor:
        first, last = (getattr(self, name) for name in self.names)
        out: Tensor = last(first(x).relu().mean((2, 3)))
        return out


@functools.cache
def program(names: tuple[str, str] = ("conv", "fc"), value: float = 0) -> bytes:
    """A .pt2 file of ``Small``; its first bias is ``value``."""
    return exported(Small(names), value)


def exported(module: nn.Module, value: float = 0) -> bytes:
    """A .pt2 file of a module, and a number for its first bias."""
    if value:
        next(p for p in module.parameters() if p.dim() == 1).data[0] = value
    axes = ({0: torch.export.Dim.AUTO},)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        example = (torch.zeros(2, 3, SIZE, SIZE),)
        made = torch.export.export(module.eval(), example, dynamic_shapes=axes)
    file = io.BytesIO()
    torch.export.save(made, file)
    return file.getvalue()


def network(
    changes: Callable[[onnx.ModelProto], object] = lambda model: None,
    *,
    nodes: Sequence[onnx.NodeProto] | None = None,
    stored: Mapping[str, np.ndarray] | None = None,
    image: Sequence[int | str] = ("n", 3, SIZE, SIZE),
    opset: int = 17,
) -> bytes:
    """An .onnx file from ``x`` to ``y``; by default a convolution called ``w``."""
    first = helper.make_node("Conv", ["x", "w"], ["a"])
    values = {"w": np.ones((4, 3, 3, 3), np.float32)} if stored is None else stored
    graph = helper.make_graph(
        [first, helper.make_node("ReduceMean", ["a"], ["y"], axes=[2, 3], keepdims=0)]
        if nodes is None
        else list(nodes),
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(image))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(value, name) for name, value in values.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    changes(model)
    return model.SerializeToString()


def saved(value: Any, *, legacy: bool = False) -> bytes:
    """What torch.save writes."""
    file = io.BytesIO()
    torch.save(value, file, _use_new_zipfile_serialization=not legacy)
    return file.getvalue()


def pickled(mark: Path) -> bytes:
    """A bare pickle that runs code."""
    return pickle.dumps({"w": Payload(mark)}, protocol=2)


def script(mark: Path) -> bytes:
    """TorchScript, with an entry that runs code when it is unpickled."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), file)
    return rezipped(file.getvalue(), lambda entries: {**entries, "net/evil.pkl": pickled(mark)})


def zipped(entries: Mapping[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """A ZIP of entries, with names as they are given."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo("x")
            info.filename = info.orig_filename = name
            info.compress_type = method
            archive.writestr(info, content)
    return file.getvalue()


def rezipped(content: bytes, change: Callable[[dict[str, bytes]], Mapping[str, bytes]]) -> bytes:
    """A ZIP with other entries."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    return zipped(change(entries))


def edited(content: bytes, entry: str, change: Callable[[Any], object]) -> bytes:
    """A ZIP whose entry of that ending, which is JSON, was changed in place."""

    def apply(entries: dict[str, bytes]) -> dict[str, bytes]:
        name = next(name for name in entries if name.endswith(entry))
        tree = json.loads(entries[name])
        change(tree)
        return {**entries, name: json.dumps(tree).encode()}

    return rezipped(content, apply)


def image(number: int = 0, kind: str = "PNG", mode: str = "RGB", size: int = 20) -> bytes:
    """Noise as a picture file."""
    random = np.random.default_rng(number)
    if mode == "I;16":
        picture = Image.fromarray(random.integers(0, 65536, (size, size), dtype=np.uint16))
    else:
        pixels = random.integers(0, 256, (size, size, 3), dtype=np.uint8)
        picture = Image.fromarray(pixels).convert(mode)
    file = io.BytesIO()
    picture.save(file, kind)
    return file.getvalue()


def images(count: int = 6) -> dict[str, bytes]:
    """Good pictures by name."""
    return {f"{i}.png": image(i) for i in range(count)}
