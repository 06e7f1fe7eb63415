"""What a MODEL argument names: text in, plain values out. Free of torch."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qcore.errors import BadInput
from qcore.graph.architectures import ARCHITECTURES
from qcore.samples import SAMPLES
from qcore.store.uploads import PREFIX, get_upload

PROGRAM_SUFFIXES = (".onnx", ".pt2")
STATE_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
FORMS = "sample:NAME, torchvision:NAME[@FILE], FILE.onnx or FILE.pt2"

_SIZE = re.compile(r"#([0-9]+(?:x[0-9]+)*)\Z")
_LARGEST_SIZE = 2**16
_LONGEST_TEXT = 4096


@dataclass(frozen=True)
class ModelReference:
    """``name`` is the sample's or the architecture's, empty for a file on its own.

    ``file`` is a path or ``upload:ID``. ``input_shape`` is what stands after ``#`` and says which
    of the sizes that a file leaves free to use: ``net.onnx#3x320x320``.
    """

    kind: Literal["sample", "torchvision", "file"]
    name: str
    file: str | None
    input_shape: tuple[int, ...] | None


def parse_reference(text: str) -> ModelReference:
    """Take a reference apart. Raises BadInput for what is none."""
    if len(text) > _LONGEST_TEXT:
        raise BadInput(
            f"the name of the network has {len(text):,} characters; "
            f"at most {_LONGEST_TEXT:,} are read: check it"
        )
    found = _SIZE.search(text)
    shape = _shape(found[1]) if found else None
    rest = text[: found.start()] if found else text
    kind, _, name = rest.partition(":")
    if kind == "sample" and shape is None:
        if name not in SAMPLES:
            raise BadInput(f"no sample is called {name!r}; there are: {', '.join(SAMPLES)}")
        return ModelReference("sample", name, None, None)
    if kind == "torchvision" and shape is None:
        architecture, at, file = name.partition("@")
        if architecture and bool(at) == bool(file):
            check_architecture(architecture)
            return ModelReference("torchvision", architecture, file or None, None)
    elif rest.startswith(PREFIX) or Path(rest).suffix.lower() in PROGRAM_SUFFIXES + STATE_SUFFIXES:
        return ModelReference("file", "", rest, shape)
    raise BadInput(f"cannot read a network from {text!r}; give {FORMS}")


def check_architecture(name: str) -> None:
    """BadInput for what is none of torchvision's classification networks."""
    if name not in ARCHITECTURES:
        raise BadInput(
            f"torchvision has no classification network {name[:80]!r}; there are "
            f"{len(ARCHITECTURES)}, for example resnet18, mobilenet_v2, vit_b_16"
        )


def _shape(text: str) -> tuple[int, ...]:
    # Python refuses to read a number of thousands of digits.
    sizes = tuple(int(size) if len(size) < 9 else 0 for size in text.split("x"))
    if not all(0 < size <= _LARGEST_SIZE for size in sizes):
        raise BadInput(
            f"the input size {text[:40]!r} makes no sense; give sizes of 1 to {_LARGEST_SIZE}"
        )
    return sizes


def files_of(file: str) -> dict[str, Path]:
    """The files that a path or an upload stands for, by the names their owner gave them.

    The first is the network. For a .onnx on disk the files beside it follow: it may keep its
    weights there. Raises BadInput where there is no such file.
    """
    if file.startswith(PREFIX):
        return main_first(get_upload(file.removeprefix(PREFIX)).paths())
    path = Path(file)
    if not os.path.isfile(file):  # Path.is_file raises for too long a name
        raise BadInput(f"there is no file {file!r}; check the path")
    if path.suffix.lower() != ".onnx":
        return {path.name: path}
    beside = sorted(f for f in path.parent.iterdir() if f.suffix.lower() != ".onnx")
    plain = {f.name: f for f in beside if f.is_file() and not f.is_symlink()}
    return {path.name: path, **plain}


def main_first(files: Mapping[str, Path]) -> dict[str, Path]:
    """With the network before what belongs to it."""
    wanted = PROGRAM_SUFFIXES + STATE_SUFFIXES
    return dict(sorted(files.items(), key=lambda item: _rank(item[0], wanted)))


def _rank(name: str, wanted: tuple[str, ...]) -> int:
    suffix = Path(name.lower()).suffix
    return wanted.index(suffix) if suffix in wanted else len(wanted)


def stamp_of(reference: ModelReference) -> str:
    """Changes with the files that a reference is read from; empty where they cannot change."""
    if reference.file is None or reference.file.startswith(PREFIX):
        return ""
    states = [path.stat() for path in files_of(reference.file).values()]
    return "|".join(f"{state.st_mtime_ns}.{state.st_size}" for state in states)
