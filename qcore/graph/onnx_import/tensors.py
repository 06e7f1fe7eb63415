"""TensorProto -> array, with every length checked before anything is allocated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from qcore.errors import BadInput
from qcore.graph.onnx_import.values import HostArray

BYTES: dict[int, int] = {
    TensorProto.FLOAT: 4,
    TensorProto.UINT8: 1,
    TensorProto.INT8: 1,
    TensorProto.INT16: 2,
    TensorProto.INT32: 4,
    TensorProto.INT64: 8,
    TensorProto.BOOL: 1,
    TensorProto.FLOAT16: 2,
    TensorProto.DOUBLE: 8,
    TensorProto.BFLOAT16: 2,
}
"""Element types that can be read, and bytes per element in raw data."""

REAL = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
_NARROW = (TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16)
_STORED: dict[int, Any] = {
    TensorProto.FLOAT: np.float32,
    TensorProto.UINT8: np.uint8,
    TensorProto.INT8: np.int8,
    TensorProto.INT16: np.int16,
    TensorProto.INT32: np.int32,
    TensorProto.INT64: np.int64,
    TensorProto.BOOL: np.bool_,
    TensorProto.FLOAT16: np.float16,
    TensorProto.DOUBLE: np.float64,
    TensorProto.BFLOAT16: np.uint16,
}
_FIELDS: dict[int, str] = {
    TensorProto.FLOAT: "float_data",
    TensorProto.INT64: "int64_data",
    TensorProto.DOUBLE: "double_data",
}


@dataclass
class Reader:
    """Reads the tensors of one model; ``external`` maps a name to the file with its content."""

    model: str
    external: Mapping[str, Path]
    room: int
    narrowed: set[str] = field(default_factory=set)

    def read(self, proto: TensorProto) -> HostArray:
        """The array of a tensor; half and double precision become float32.

        Raises BadInput for element types that cannot be read, and where sizes and data disagree.
        """
        label = f"tensor {proto.name[:80]!r} of {self.model}"
        if proto.data_type not in BYTES:
            known = proto.data_type in TensorProto.DataType.values()
            kind = TensorProto.DataType.Name(proto.data_type) if known else str(proto.data_type)
            raise BadInput(f"{label} has element type {kind}; export the network in float32")
        shape, count = checked_shape(list(proto.dims), label)
        wanted = count * BYTES[proto.data_type]
        # The same bytes may stand for several tensors, but not for any number of them.
        self.room -= wanted
        if self.room < 0:
            raise BadInput(f"{label} is larger than the file can hold; export the network again")
        if proto.data_location == TensorProto.EXTERNAL:
            array = self._external(proto, label, wanted)
        elif proto.HasField("raw_data"):
            if len(proto.raw_data) != wanted:
                raise BadInput(_length(label, wanted, len(proto.raw_data)))
            array = np.frombuffer(proto.raw_data, _STORED[proto.data_type])
        else:
            array = _typed(proto, label, count)
        return self._float32(array, proto).reshape(shape)

    def _float32(self, array: HostArray, proto: TensorProto) -> HostArray:
        if proto.data_type in _NARROW:
            self.narrowed.add(TensorProto.DataType.Name(proto.data_type).lower())
        if proto.data_type == TensorProto.BFLOAT16:
            return (array.astype(np.uint32) << 16).view(np.float32)
        # A double beyond float32 becomes infinite, and is refused with the other infinities.
        with np.errstate(over="ignore"):
            return array.astype(np.float32) if proto.data_type in REAL else array.copy()

    def _external(self, proto: TensorProto, label: str, wanted: int) -> HostArray:
        entries = {entry.key: entry.value for entry in proto.external_data}
        name = external_name(entries.get("location", ""), self.model)
        if name not in self.external:
            raise BadInput(
                f"{self.model} keeps its weights in {name!r}; upload both files together"
            )
        path = self.external[name]
        try:
            offset, length = int(entries.get("offset", 0)), int(entries.get("length", wanted))
        except ValueError as error:
            raise BadInput(f"{label} has an offset that is not a number") from error
        size = path.stat().st_size
        if length != wanted or offset < 0 or offset + wanted > size:
            raise BadInput(
                f"{label} needs {wanted} bytes at offset {offset} of {name!r}, which has {size}; "
                "upload the file that was written together with it"
            )
        kind = _STORED[proto.data_type]
        return np.fromfile(path, kind, wanted // BYTES[proto.data_type], offset=offset)


def external_name(location: str, model: str) -> str:
    """The name of an external data file, which must lie beside the model."""
    name = location.removeprefix("./")
    parts = name.split("/")
    if (
        not name
        or name.startswith("/")
        or ".." in parts
        or "\\" in name
        or "\0" in name
        or (len(name) > 1 and name[1] == ":")
    ):
        raise BadInput(
            f"{model} keeps its weights at {location[:80]!r}, which is not a file beside it; "
            "save it again with onnx.save_model(..., location='weights.data')"
        )
    return name


def checked_shape(dims: list[int], label: str) -> tuple[tuple[int, ...], int]:
    """Shape and number of elements; BadInput for negative or absurd dimensions."""
    count = 1
    for size in dims:
        if not 0 <= size < 1 << 40:
            raise BadInput(f"{label} has a dimension of {size}; export the network again")
        count *= size
    if len(dims) > 8:
        raise BadInput(f"{label} has {len(dims)} dimensions; at most 8 are supported")
    return tuple(dims), count


def _typed(proto: TensorProto, label: str, count: int) -> HostArray:
    """Data in the fields that protobuf types: one entry per element, bit patterns in int32."""
    data = getattr(proto, _FIELDS.get(proto.data_type, "int32_data"))
    if len(data) != count:
        raise BadInput(_length(label, count, len(data)))
    if proto.data_type == TensorProto.FLOAT16:
        return np.array(data, dtype=np.int64).astype(np.uint16).view(np.float16)
    wide = np.float64 if proto.data_type in REAL and proto.data_type in _FIELDS else np.int64
    return np.array(data, dtype=wide).astype(_STORED[proto.data_type])


def _length(label: str, wanted: int, found: int) -> str:
    return f"{label} should hold {wanted} entries but holds {found}; the file is damaged"


def attributes_of(node: onnx.NodeProto, reader: Reader) -> dict[str, Any]:
    """Attributes as Python values; tensors as arrays. Graphs are left out."""
    found: dict[str, Any] = {}
    kinds = onnx.AttributeProto
    for attribute in node.attribute:
        if attribute.type == kinds.INT:
            found[attribute.name] = int(attribute.i)
        elif attribute.type == kinds.FLOAT:
            found[attribute.name] = float(attribute.f)
        elif attribute.type == kinds.STRING:
            found[attribute.name] = attribute.s.decode("utf-8", "replace")
        elif attribute.type == kinds.INTS:
            found[attribute.name] = list(attribute.ints)
        elif attribute.type == kinds.FLOATS:
            found[attribute.name] = list(attribute.floats)
        elif attribute.type == kinds.TENSOR:
            found[attribute.name] = reader.read(attribute.t)
        elif attribute.type not in (kinds.GRAPH, kinds.GRAPHS):
            found[attribute.name] = None
    return found
