"""The inputs of a graph: their shapes, the batch size a file is fixed to, and the layout."""

from __future__ import annotations

from dataclasses import dataclass

import onnx

from qcore.errors import BadInput
from qcore.graph.onnx_import.tensors import REAL

DEFAULT_PX = 224
LARGEST_INPUT = 1 << 28
"""Values of one image: 268 million, a picture of 9,400 x 9,400."""


@dataclass(frozen=True)
class GraphInput:
    """``shape`` without the batch, channels first; ``batch`` None where it may vary."""

    name: str
    shape: tuple[int, ...]
    batch: int | None
    channels_last: bool
    notes: tuple[str, ...]


def graph_inputs(
    graph: onnx.GraphProto, input_shape: tuple[int, ...] | None
) -> tuple[GraphInput, ...]:
    """Inputs that are not initializers (a file of IR version 3 lists those too).

    Raises BadInput for inputs that are not float tensors with a batch axis, for a free size that
    is not given, and where ``input_shape`` contradicts the file.
    """
    stored = {tensor.name for tensor in graph.initializer}
    values = [value for value in graph.input if value.name not in stored]
    if not values:
        raise BadInput("this .onnx has no input; export the network with an image as its input")
    if input_shape is not None and len(values) > 1:
        raise BadInput(
            f"this .onnx has {len(values)} inputs: one shape cannot be given for all; "
            "export it with fixed sizes"
        )
    if len({value.name for value in values}) < len(values):
        raise BadInput("two inputs of this .onnx have the same name; export it again")
    inputs = tuple(_one(value, input_shape) for value in values)
    if len({item.batch for item in inputs}) > 1:
        raise BadInput("the inputs of this .onnx state different batch sizes; export it again")
    return inputs


def _one(value: onnx.ValueInfoProto, given: tuple[int, ...] | None) -> GraphInput:
    name = value.name[:80]
    kind = value.type
    if not kind.HasField("tensor_type") or kind.tensor_type.elem_type not in REAL:
        code = kind.tensor_type.elem_type
        known = code in onnx.TensorProto.DataType.values() and code
        stated = onnx.TensorProto.DataType.Name(code).lower() if known else "not a tensor"
        raise BadInput(f"input {name!r} is {stated}; only float images can be given to a network")
    sizes: list[int | None]
    if kind.tensor_type.HasField("shape"):
        sizes = [
            d.dim_value if d.HasField("dim_value") and d.dim_value > 0 else None
            for d in kind.tensor_type.shape.dim
        ]
    else:
        sizes = [None] * (1 + len(given or (0, 0, 0)))
    if len(sizes) < 2:
        raise BadInput(f"input {name!r} has {len(sizes)} dimensions; a batch of images is needed")
    last = len(sizes) == 4 and sizes[3] in (1, 3, 4) and sizes[1] not in (1, 3, 4)
    known_sizes = [sizes[3], sizes[1], sizes[2]] if last else sizes[1:]
    shape, notes = _filled(name, known_sizes, given)
    if last:
        notes = (f"input {name} is NHWC: the network takes NCHW and transposes it", *notes)
    return GraphInput(value.name, shape, sizes[0], last, notes)


def _filled(
    name: str, sizes: list[int | None], given: tuple[int, ...] | None
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Sizes of one image with the free ones filled in, and what the user should know of it."""
    if given is not None:
        fits = len(given) == len(sizes) and all(
            s in (None, g) for s, g in zip(sizes, given, strict=False)
        )
        if not fits:
            stated = " x ".join("any" if s is None else str(s) for s in sizes)
            wanted = " x ".join(str(g) for g in given)
            raise BadInput(
                f"input {name!r} is {stated} in the file, not {wanted}; leave the size away"
                + (" or give one that fits" if None in sizes else "")
            )
        return _sensible(name, tuple(given)), ()
    if None not in sizes:
        return _sensible(name, tuple(s for s in sizes if s is not None)), ()
    if len(sizes) != 3 or sizes[0] is None:
        raise BadInput(
            f"the size of input {name!r} is free in this .onnx; "
            "write it after the file name, for example #3x224x224"
        )
    height, width = (DEFAULT_PX if s is None else s for s in sizes[1:])
    free = [word for word, s in zip(("height", "width"), sizes[1:], strict=True) if s is None]
    verb = "are" if len(free) == 2 else "is"
    note = f"{' and '.join(free)} {verb} free in the file: {height} x {width} assumed"
    return _sensible(name, (sizes[0], height, width)), (note,)


def _sensible(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    count = 1
    for size in shape:
        count *= size
    if count > LARGEST_INPUT or min(shape) < 1:
        wanted = " x ".join(str(size) for size in shape)
        raise BadInput(
            f"input {name!r} of {wanted} is not an image of a size that can be run; give another "
            "after the file name, for example #3x224x224, or export with one of up to "
            f"{LARGEST_INPUT:,} values"
        )
    return shape
