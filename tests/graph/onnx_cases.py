"""One operator per case: what goes in, its attributes, and the opsets it is tried in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx_common import Array, model_of, real

INT, BOOL = TensorProto.INT64, TensorProto.BOOL
ALL = (9, 11, 13, 17, 21)
Given = tuple[int, ...] | Array | None


@dataclass(frozen=True, eq=False)
class Case:
    """``given``: a shape is an input of the network, an array is stored in the file."""

    op: str
    given: tuple[Given, ...]
    opsets: tuple[int, ...] = ALL
    kinds: tuple[int, ...] = (TensorProto.FLOAT,)
    low: float = -2.0
    high: float = 2.0
    attributes: dict[str, Any] = field(default_factory=dict)
    before: tuple[tuple[str, str, str, str], ...] = ()
    inputs: tuple[str, ...] | None = None

    def model(self, opset: int) -> tuple[onnx.ModelProto, list[Array]]:
        random = np.random.default_rng(0)
        images, stored, names = {}, {}, []
        for i, value in enumerate(self.given):
            name = f"v{i}" if value is not None else ""
            names.append(name)
            if isinstance(value, tuple):
                images[name] = random.uniform(self.low, self.high, value).astype(np.float32)
            elif value is not None:
                stored[name] = value
        outputs = [f"y{i}" for i in range(len(self.kinds))]
        nodes = [helper.make_node(op, [a, b], [y]) for op, a, b, y in self.before]
        names = list(self.inputs) if self.inputs is not None else names
        nodes.append(helper.make_node(self.op, names, outputs, **self.attributes))
        shapes = {name: list(image.shape) for name, image in images.items()}
        kinds = dict(zip(outputs, self.kinds, strict=True))
        model = model_of(nodes, shapes, outputs, stored, opset, kinds)
        return model, list(images.values())

    def __str__(self) -> str:
        shown = "-".join(f"{k}{v}" for k, v in self.attributes.items())
        return f"{self.op}-{shown}"[:60]


def case(op: str, *given: Given, **options: Any) -> Case:
    own = {"opsets", "kinds", "low", "high", "before", "inputs"}
    kept = {key: options.pop(key) for key in own & set(options)}
    return Case(op, given, attributes=options, **kept)


def whole(*items: int) -> Array:
    return np.array(items, dtype=np.int64)


IMAGE = (2, 4, 7, 6)
FLAT = (3, 5)
ROW, COLUMN = (2, 1, 1, 6), (2, 1, 7, 1)
UNARY = "Relu Sigmoid Tanh Neg Abs Exp Floor Ceil Sign Sin Cos Tan Sinh Cosh Atan Asinh Softplus "
UNARY += "Softsign Erf Identity Selu Elu LeakyRelu HardSigmoid Softmax LogSoftmax "
KINDS = ["Mean", "Sum", "Max", "Min", "Prod", "L1", "L2", "LogSum", "LogSumExp", "SumSquare"]
_WINDOWED = [
    case("Conv", IMAGE, real(6, 4, 3, 3), real(6), pads=[1, 1, 1, 1], strides=[2, 2]),
    case("Conv", IMAGE, real(6, 2, 3, 2), pads=[0, 1, 2, 0], group=2, opsets=(9, 21)),
    case("Conv", IMAGE, real(6, 4, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2], opsets=(11,)),
    case("Conv", IMAGE, real(6, 4, 2, 2), auto_pad="SAME_LOWER", strides=[1, 2], opsets=(11,)),
    case("Conv", IMAGE, real(6, 4, 3, 3), auto_pad="VALID", dilations=[2, 1], opsets=(11,)),
    case("Conv", (2, 4, 9), real(4, 1, 3), group=4, opsets=(17,)),
    case("Conv", (1, 2, 5, 5, 5), real(3, 2, 2, 2, 2), opsets=(17,)),
    case("ConvTranspose", IMAGE, real(4, 3, 3, 3), real(3), strides=[2, 2], pads=[1, 1, 1, 1]),
    case("ConvTranspose", IMAGE, real(4, 2, 3, 3), strides=[2, 2], pads=[0, 1, 1, 0], group=2),
    case(
        "ConvTranspose",
        IMAGE,
        real(4, 3, 3, 3),
        strides=[2, 2],
        output_padding=[1, 1],
        pads=[1, 1, 1, 1],
        opsets=(13,),
    ),
    case(
        "ConvTranspose",
        IMAGE,
        real(4, 3, 3, 3),
        strides=[2, 2],
        output_shape=[14, 12],
        opsets=(13,),
    ),
    case(
        "ConvTranspose",
        IMAGE,
        real(4, 3, 3, 3),
        strides=[2, 2],
        auto_pad="SAME_UPPER",
        opsets=(13,),
    ),
    case("ConvTranspose", (2, 4, 5), real(4, 3, 3), dilations=[2], opsets=(13,)),
    case("MaxPool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    case("MaxPool", IMAGE, kernel_shape=[2, 2], pads=[0, 0, 1, 1], strides=[2, 2]),
    case("MaxPool", IMAGE, kernel_shape=[2, 3], ceil_mode=1, strides=[2, 2], opsets=(11, 17)),
    case("MaxPool", IMAGE, kernel_shape=[2, 2], dilations=[2, 2], opsets=(11, 17)),
    case(
        "MaxPool", IMAGE, kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2], opsets=(11,)
    ),
    case("MaxPool", (2, 3, 9), kernel_shape=[3], strides=[2], opsets=(11,)),
    case("AveragePool", IMAGE, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
    case("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[0, 1, 1, 0], strides=[2, 2]),
    case("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[0, 1, 1, 0], count_include_pad=1),
    case("AveragePool", IMAGE, kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1),
    case("AveragePool", IMAGE, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1, opsets=(11, 19)),
    case("AveragePool", (2, 4, 8, 8), kernel_shape=[2, 2], dilations=[2, 2], opsets=(19,)),
    case("AveragePool", IMAGE, kernel_shape=[2, 2], auto_pad="SAME_LOWER", opsets=(11,)),
    case("GlobalAveragePool", IMAGE),
    case("GlobalMaxPool", IMAGE),
]
_WEIGHTED = [
    case("Gemm", FLAT, real(5, 4), real(4)),
    case("Gemm", FLAT, real(4, 5), real(4), transB=1, alpha=0.5, beta=2.0),
    case("Gemm", FLAT, real(4, 5), real(1), transB=1, opsets=(13,)),
    case("Gemm", FLAT, real(4, 5), real(3, 1), transB=1, opsets=(13,)),
    case("Gemm", FLAT, real(4, 5), transB=1, opsets=(11, 21)),
    case("Gemm", (5, 3), real(5, 4), real(3, 4), transA=1, beta=0.5),
    case("Gemm", (5, 5), (5, 4), (5, 4), opsets=(13,)),
    case("MatMul", (2, 3, 5), real(5, 4)),
    case("MatMul", (2, 3, 5), (2, 5, 4)),
    case("MatMul", real(6, 2), (2, 4), opsets=(13,)),
    case("BatchNormalization", IMAGE, real(4), real(4), real(4), real(4, low=0.1), epsilon=1e-3),
    case("InstanceNormalization", IMAGE, real(4), real(4)),
    case("LayerNormalization", (2, 3, 8), real(8), real(8), opsets=(17, 21)),
    case("LayerNormalization", (2, 3, 8), real(3, 8), axis=1, opsets=(17,)),
    case("GroupNormalization", IMAGE, real(2), real(2), num_groups=2, opsets=(18,)),
    case("GroupNormalization", IMAGE, real(4), real(4), num_groups=2, opsets=(21,)),
    case("LRN", IMAGE, size=3, alpha=0.5),
    case("LpNormalization", IMAGE, axis=1, p=2, opsets=(9, 13)),
    case("LpNormalization", IMAGE, axis=2, p=1, opsets=(9,)),
    case("PRelu", IMAGE, real(4, 1, 1)),
    case("PRelu", FLAT, real(1), opsets=(9, 17)),
]
_ELEMENTWISE = [
    *(case(op, IMAGE) for op in UNARY.split()),
    *(case(op, IMAGE, low=0.1) for op in ("Sqrt", "Reciprocal", "Log")),
    *(case(op, IMAGE, low=-0.9, high=0.9) for op in ("Asin", "Acos", "Atanh")),
    case("Acosh", IMAGE, low=1.1, high=3.0),
    case("Round", IMAGE, opsets=(11, 13, 17)),
    case("HardSwish", IMAGE, opsets=(14, 21)),
    case("Mish", IMAGE, opsets=(18, 21)),
    case("Gelu", IMAGE, opsets=(20, 21)),
    case("Gelu", IMAGE, approximate="tanh", opsets=(20,)),
    case("Celu", IMAGE, alpha=0.7, opsets=(12, 17)),
    case("ThresholdedRelu", IMAGE, alpha=0.5, opsets=(10, 17)),
    case("LeakyRelu", IMAGE, alpha=0.3),
    case("Elu", IMAGE, alpha=0.3),
    case("HardSigmoid", IMAGE, alpha=0.3, beta=0.4),
    case("Softmax", IMAGE, axis=2),
    case("LogSoftmax", IMAGE, axis=1),
    *(case(op, IMAGE, ROW) for op in ("Add", "Sub", "Mul", "Div")),
    *(case(op, IMAGE, real(1, low=0.5)) for op in ("Add", "Sub", "Mul", "Div")),
    *(case(op, np.array(0.7, np.float32), IMAGE) for op in ("Add", "Sub", "Mul", "Div")),
    case("Pow", IMAGE, (2, 4, 7, 6), low=0.1),
    case("Pow", IMAGE, np.array(2, np.float32)),
    case("Pow", IMAGE, np.array(2, np.int64), opsets=(13, 17)),
    case("Pow", IMAGE, real(1, low=0.4), low=0.1),
    case("Mod", IMAGE, ROW, fmod=1, low=0.5, high=4.0, opsets=(11, 13)),
    case("Min", IMAGE, ROW, np.array(0.1, np.float32)),
    case("Max", IMAGE, ROW),
    case("Mean", IMAGE, ROW, COLUMN),
    case("Sum", IMAGE, ROW, COLUMN),
    *(case(op, IMAGE, ROW, kinds=(BOOL,)) for op in ("Greater", "Less")),
    case("Equal", IMAGE, np.array(0.5, np.float32), kinds=(BOOL,), opsets=(11, 13, 19)),
    *(
        case(op, IMAGE, ROW, kinds=(BOOL,), opsets=(12, 16, 21))
        for op in ("GreaterOrEqual", "LessOrEqual")
    ),
    *(
        case(
            op,
            FLAT,
            FLAT,
            kinds=(BOOL,),
            inputs=("a", "b"),
            before=(("Greater", "v0", "v1", "a"), ("Less", "v0", "v1", "b")),
        )
        for op in ("And", "Or", "Xor")
    ),
    case("Not", FLAT, FLAT, kinds=(BOOL,), inputs=("a",), before=(("Less", "v0", "v1", "a"),)),
    case("Where", FLAT, FLAT, inputs=("a", "v0", "v1"), before=(("Less", "v0", "v1", "a"),)),
    case("IsNaN", IMAGE, kinds=(BOOL,)),
    case(
        "IsInf",
        FLAT,
        np.zeros((3, 5), np.float32),
        kinds=(BOOL,),
        inputs=("a",),
        before=(("Div", "v0", "v1", "a"),),
        opsets=(10, 20),
        detect_negative=0,
    ),
    case("Clip", IMAGE, min=-0.5, max=0.7, opsets=(9, 10)),
    case("Clip", IMAGE, np.array(-0.5, np.float32), np.array(0.7, np.float32), opsets=(11, 13, 21)),
    case("Clip", IMAGE, None, np.array(0.7, np.float32), opsets=(11, 13)),
]
_SHAPED = [
    case("Reshape", IMAGE, whole(0, -1)),
    case("Reshape", IMAGE, whole(2, 28, 6)),
    case("Reshape", (2, 4), whole(-1, 4), allowzero=1, opsets=(14,)),
    case("Flatten", IMAGE),
    case("Flatten", IMAGE, axis=2),
    case("Flatten", IMAGE, axis=0),
    case("Transpose", IMAGE, perm=[0, 2, 3, 1]),
    case("Transpose", (2, 3, 4)),
    case("Squeeze", (2, 1, 3, 1), axes=[1, -1], opsets=(11,)),
    case("Squeeze", (2, 1, 3, 1), axes=[1], opsets=(9,)),
    case("Squeeze", (2, 1, 3, 1), whole(-1), opsets=(13, 21)),
    case("Squeeze", (2, 1, 3, 1)),
    case("Unsqueeze", (2, 3), axes=[0, 3], opsets=(9, 11)),
    case("Unsqueeze", (2, 3), whole(1, -1), opsets=(13, 21)),
    case("Concat", (2, 3), (2, 4), axis=1),
    case("Concat", (2, 3), real(2, 4), axis=-1, opsets=(11, 13)),
    case("Split", (2, 6), split=[2, 4], axis=1, kinds=(1, 1), opsets=(9, 11)),
    case("Split", (2, 6), whole(2, 4), axis=1, kinds=(1, 1), opsets=(13, 21)),
    case("Split", (2, 6), axis=1, kinds=(1, 1, 1), opsets=(9, 13)),
    case("Split", (2, 7), axis=1, num_outputs=3, kinds=(1, 1, 1), opsets=(18,)),
    case("Expand", (2, 1, 3), whole(2, 2, 4, 1)),
    case("Tile", (2, 3), whole(1, 2)),
    case("Dropout", IMAGE),
    case("Dropout", IMAGE, np.array(0.3, np.float32), opsets=(12, 17)),
    case("DepthToSpace", (2, 8, 3, 5), blocksize=2),
    case("DepthToSpace", (2, 8, 3, 5), blocksize=2, mode="CRD", opsets=(11, 13)),
    case("SpaceToDepth", (2, 2, 4, 6), blocksize=2),
    case("Trilu", (2, 4, 4), upper=0, opsets=(14, 21)),
    case("Trilu", (2, 4, 4), np.array(1, np.int64), opsets=(14,)),
    case("Cast", IMAGE, to=INT, kinds=(INT,)),
    case("CastLike", IMAGE, whole(1), kinds=(INT,), opsets=(15, 21)),
    case("Shape", IMAGE, kinds=(INT,)),
    case("Shape", IMAGE, kinds=(INT,), start=1, end=-1, opsets=(15,)),
    case("Size", IMAGE, kinds=(INT,)),
]
_SELECTED = [
    case("Slice", IMAGE, starts=[1, 0], ends=[3, -2], axes=[1, 3], opsets=(9,)),
    case("Slice", IMAGE, whole(1, 0), whole(3, 99), whole(1, 2), whole(1, 2), opsets=(10, 13, 21)),
    case("Slice", IMAGE, whole(-1), whole(-99), whole(2), whole(-1), opsets=(11, 17)),
    case("Slice", IMAGE, whole(5, 1), whole(1, 4), whole(3, 1), whole(-2, 1), opsets=(11, 17)),
    case("Slice", IMAGE, whole(1, 1), whole(2, 3), opsets=(11,)),
    case("Gather", IMAGE, whole(2, 0, -1), axis=1),
    case("Gather", IMAGE, np.array(1, np.int64), axis=2),
    case("Gather", IMAGE, np.array([[0, 1], [2, 3]], np.int64), axis=1),
    case(
        "GatherElements",
        (3, 3),
        np.array([[0, -1, 2], [1, 1, 0]], np.int64),
        axis=0,
        opsets=(11, 13),
    ),
    case("GatherND", (3, 4, 2), np.array([[0, 1], [2, -1]], np.int64), opsets=(11, 13)),
    case(
        "ScatterND",
        (3, 4),
        np.array([[0, 1], [2, -1]], np.int64),
        real(2),
        opsets=(11, 13, 16),
    ),
    case("ScatterND", (3, 4), np.array([[2]], np.int64), real(1, 4), reduction="add", opsets=(16,)),
    case("GatherND", (2, 3, 4), np.array([[1], [2]], np.int64), batch_dims=1, opsets=(12, 13)),
    case("Pad", (2, 3, 4), pads=[0, 0, 1, 0, 2, 0], value=0.5, opsets=(9,)),
    case("Pad", (2, 3, 4), whole(0, 0, 1, 0, 2, 0), np.array(0.5, np.float32), opsets=(11, 13, 21)),
    case("Pad", IMAGE, whole(0, 0, 1, 2, 0, 0, 3, 1), mode="reflect", opsets=(11, 17)),
    case("Pad", IMAGE, whole(0, 0, 1, 2, 0, 0, 3, 1), mode="edge", opsets=(11, 17)),
    case("Pad", IMAGE, whole(0, 0, 1, 2, 0, 0, 3, 1), mode="wrap", opsets=(19, 21)),
    case("Pad", IMAGE, whole(1, 2), None, whole(-1), opsets=(18,)),
    case("Pad", IMAGE, whole(0, 0, -1, 2, 0, 0, 0, -1), opsets=(13,)),
    case("TopK", FLAT, whole(2), kinds=(1, INT), opsets=(10, 11, 21)),
    case("TopK", FLAT, whole(2), kinds=(1, INT), largest=0, axis=0, opsets=(11,)),
    case("TopK", FLAT, k=2, kinds=(1, INT), opsets=(9,)),
    *(case(op, IMAGE, axis=1, keepdims=0, kinds=(INT,)) for op in ("ArgMax", "ArgMin")),
    case("ArgMax", IMAGE, axis=-1, select_last_index=1, kinds=(INT,), opsets=(12, 13)),
    case("CumSum", FLAT, np.array(1, np.int64), opsets=(11, 14)),
    case("CumSum", FLAT, np.array(0, np.int64), exclusive=1, reverse=1, opsets=(11,)),
    case("Einsum", (2, 3, 4), (2, 5, 4), equation="b i d, b j d -> b i j", opsets=(12, 17)),
]
_REDUCED = [
    *(
        case(f"Reduce{kind}", IMAGE, axes=[1, 3], keepdims=0, low=0.1, opsets=(9, 11))
        for kind in KINDS
    ),
    *(case(f"Reduce{kind}", IMAGE, whole(-1, 2), low=0.1, opsets=(18, 21)) for kind in KINDS),
    case("ReduceSum", IMAGE, whole(1), opsets=(13,)),
    case("ReduceMean", IMAGE, opsets=(13,)),
    case("ReduceSum", IMAGE, noop_with_empty_axes=1, opsets=(13,)),
]


def _scales(*items: float) -> Array:
    return np.array(items, dtype=np.float32)


ROI = np.zeros(0, np.float32)
_RESIZED = [
    case("Upsample", IMAGE, _scales(1, 1, 2, 2), opsets=(9,)),
    case("Upsample", IMAGE, _scales(1, 1, 2, 3), mode="linear", opsets=(9,)),
    case("Resize", IMAGE, _scales(1, 1, 2, 2), opsets=(10,)),
    case("Resize", IMAGE, _scales(1, 1, 0.5, 0.6), opsets=(10,)),
    case("Resize", IMAGE, _scales(1, 1, 2, 1.5), mode="linear", opsets=(10,)),
    *(
        case(
            "Resize",
            IMAGE,
            ROI,
            scales,
            mode=mode,
            coordinate_transformation_mode=way,
            opsets=(13,),
        )
        for mode in ("nearest", "linear", "cubic")
        for way in ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")
        for scales in (_scales(1, 1, 2, 2), _scales(1, 1, 0.6, 1.7))
    ),
    *(
        case("Resize", IMAGE, ROI, _scales(1, 1, 1.4, 0.7), nearest_mode=rounding, opsets=(11, 19))
        for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    ),
    *(
        case(
            "Resize",
            IMAGE,
            ROI,
            ROI,
            whole(2, 4, 10, 9),
            mode=mode,
            coordinate_transformation_mode="pytorch_half_pixel",
            opsets=(13, 21),
        )
        for mode in ("nearest", "linear", "cubic")
    ),
    case("Resize", IMAGE, ROI, None, whole(10, 9), axes=[2, 3], mode="linear", opsets=(18,)),
    case(
        "Resize",
        IMAGE,
        ROI,
        _scales(1, 1, 1.3, 1.7),
        mode="linear",
        opsets=(19,),
        coordinate_transformation_mode="half_pixel_symmetric",
    ),
    case(
        "Resize",
        IMAGE,
        ROI,
        _scales(1, 1, 1.6, 1.7),
        mode="cubic",
        exclude_outside=1,
        cubic_coeff_a=-0.5,
        opsets=(11,),
    ),
]
CASES = [
    c
    for c in (_WINDOWED + _WEIGHTED + _ELEMENTWISE + _SHAPED + _SELECTED + _REDUCED + _RESIZED)
    if c.opsets
]
ELSEWHERE = {"Constant", "ConstantOfShape", "Range"}
"""Operators without an input of floats: their cases are models of several operators."""
