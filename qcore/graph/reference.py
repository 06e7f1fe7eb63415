"""What a MODEL argument names: text in, plain values out. Free of torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from qcore.errors import BadInput
from qcore.samples import SAMPLES
from qcore.store.uploads import PREFIX, get_upload

PROGRAM_SUFFIXES = (".onnx", ".pt2")
STATE_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt", ".bin")
FORMS = "sample:NAME, torchvision:NAME[@FILE], FILE.onnx or FILE.pt2"

_SIZE = re.compile(r"#(\d+(?:x\d+)*)$")


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
    found = _SIZE.search(text)
    shape = tuple(int(size) for size in found[1].split("x")) if found else None
    if shape is not None and not all(0 < size <= 2**16 for size in shape):
        raise BadInput(f"the input size {found[1] if found else ''!r} makes no sense")
    rest = text[: found.start()] if found else text
    kind, _, name = rest.partition(":")
    if kind == "sample" and shape is None:
        if name not in SAMPLES:
            raise BadInput(f"no sample is called {name!r}; there are: {', '.join(SAMPLES)}")
        return ModelReference("sample", name, None, None)
    if kind == "torchvision" and shape is None:
        architecture, at, file = name.partition("@")
        if architecture and bool(at) == bool(file):
            return ModelReference("torchvision", architecture, file or None, None)
    elif rest.startswith(PREFIX) or Path(rest).suffix.lower() in PROGRAM_SUFFIXES + STATE_SUFFIXES:
        return ModelReference("file", "", rest, shape)
    raise BadInput(f"cannot read a network from {text!r}; give {FORMS}")


def files_of(file: str) -> dict[str, Path]:
    """The files that a path or an upload stands for, by the names their owner gave them.

    The first is the network. For a .onnx on disk the files beside it follow: it may keep its
    weights there. Raises BadInput where there is no such file.
    """
    if file.startswith(PREFIX):
        return main_first(get_upload(file.removeprefix(PREFIX)).paths())
    path = Path(file)
    if not path.is_file():
        raise BadInput(f"there is no file {file!r}; check the path")
    if path.suffix.lower() != ".onnx":
        return {path.name: path}
    beside = (f for f in path.parent.iterdir() if f.suffix.lower() != ".onnx")
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
