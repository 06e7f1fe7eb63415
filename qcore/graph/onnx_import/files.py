"""Which of the given files is the model, and its protobuf message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

from qcore.errors import BadInput
from qcore.graph.onnx_import.tensors import Reader, external_name

LARGEST_MODEL = (1 << 31) - 1
"""A protobuf message cannot be larger; larger networks keep their weights beside it."""


def open_model(files: Mapping[str, Path]) -> tuple[onnx.ModelProto, Reader]:
    """Parse the one ``.onnx`` among the files; nothing of the weights is read yet.

    Raises BadInput where there is not exactly one, where it is not an ONNX model, and where a
    weight lies in a file that is not given.
    """
    models = [name for name in files if name.lower().endswith(".onnx")]
    if len(models) != 1:
        raise BadInput(
            f"{len(models)} of the given files end in .onnx; give one, with its external data"
        )
    name = models[0]
    path = files[name]
    size = path.stat().st_size
    if size > LARGEST_MODEL:
        raise BadInput(f"{name} is larger than 2 GB; save its weights as external data")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except (DecodeError, ValueError, RecursionError) as error:
        raise BadInput(f"{name} is not an ONNX file; export the network again") from error
    if not model.HasField("graph") or not model.graph.node:
        raise BadInput(f"{name} holds no network; export it with torch.onnx.export")
    external = {other: path for other, path in files.items() if other != name}
    _check_locations(model, name, external)
    total = size + sum(other.stat().st_size for other in external.values())
    return model, Reader(name, external, room=8 * total + (1 << 20))


def _check_locations(model: onnx.ModelProto, name: str, external: Mapping[str, Path]) -> None:
    missing = set()
    for tensor in model.graph.initializer:
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            entries = {entry.key: entry.value for entry in tensor.external_data}
            found = external_name(entries.get("location", ""), name)
            if found not in external:
                missing.add(found)
    if missing:
        listed = ", ".join(repr(item[:80]) for item in sorted(missing)[:3])
        many = "" if len(missing) <= 3 else f" and {len(missing) - 3} more files"
        raise BadInput(
            f"this .onnx keeps its weights in {listed}{many}; upload both files together"
        )
