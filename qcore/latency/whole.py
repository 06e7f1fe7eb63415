"""A whole network as an ONNX model, of full precision and quantized."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import torch
from torch import Tensor, fx, nn

from qcore.errors import BadInput
from qcore.graph.network import Network
from qcore.latency.calls import random_images

_MOST_BYTES = 2**31 - 2**20  # what one protocol buffer may hold, less its own overhead

# There is no integer kernel for it, and the quantizer fails where it has groups.
_STAYS_FLOAT = {"ConvTranspose"}


def onnx_model(network: Network, batch: int) -> bytes:
    """The network in ONNX's format, its constants inside, for a batch of that size.

    torch.export traces the graph with tensors that have no values and torch.onnx translates it.
    Raises BadInput for a network that is too large for one file of that format, and whatever these
    two raise for one that they cannot translate.
    """
    stored = sum(t.numel() * t.element_size() for t in network.tensors.values())
    if stored > _MOST_BYTES:
        raise BadInput(f"its {stored / 1e9:.1f} GB of constants do not fit into one ONNX file")
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        # From here and not by torch.onnx itself, which runs what it cannot trace on real values.
        exported = torch.export.export(as_module(network), random_images(network, batch))
        program = torch.onnx.export(exported, dynamo=True, verbose=False)
    assert program is not None
    model: bytes = program.model_proto.SerializeToString()
    return model


def as_module(network: Network) -> fx.GraphModule:
    """The graph as a module that takes the network's inputs and returns a tuple.

    Its constants are buffers on the CPU; the network stays as it is.
    """
    root, graph = nn.Module(), fx.Graph()
    names = {key: f"constant{i}" for i, key in enumerate(dict.fromkeys(network.constants.values()))}
    for key, name in names.items():
        root.register_buffer(name, _plain(network.tensors[key]))
    copies: dict[fx.Node, fx.Node] = {}
    for node in network.graph.nodes:
        if node.op == "placeholder" and node.name in network.constants:
            copies[node] = graph.get_attr(names[network.constants[node.name]])
        elif node.op == "output":
            graph.output(tuple(copies[result] for result in node.args[0]))
        else:
            copies[node] = copy = graph.node_copy(node, lambda old: copies[old])
            if "device" in copy.kwargs:  # recorded on the exporting machine's device
                copy.kwargs = {**copy.kwargs, "device": torch.device("cpu")}
    return fx.GraphModule(root, graph).eval()


def _plain(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().contiguous()


def quantized(model: bytes, seed: int = 0) -> bytes:
    """The model with 8-bit inputs and weights wherever ONNX Runtime's quantizer puts them.

    Weights have a scale per kernel. Thresholds come from one batch of random values: only its time
    is of interest, its answers are useless. Raises what the quantizer raises.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry

    kinds = {*QLinearOpsRegistry, *QDQRegistry} - _STAYS_FLOAT
    loaded = onnx.load_from_string(model)
    batch = _random_feed(loaded, seed)
    with tempfile.TemporaryDirectory(prefix="bitdial-") as folder, _unheard():
        source, made = Path(folder) / "float32.onnx", Path(folder) / "int8.onnx"
        onnx.save(loaded, source)
        quantize_static(
            source,
            made,
            _reader([batch]),
            op_types_to_quantize=sorted(kinds),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return made.read_bytes()


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """The quantizer tells the root logger of every bias without a second axis, among others."""
    root, handler = logging.getLogger(), logging.NullHandler()

    def nothing(record: logging.LogRecord) -> bool:
        return False

    root.addHandler(handler)  # with none the first message would give it one for good
    root.addFilter(nothing)
    try:
        yield
    finally:
        root.removeFilter(nothing)
        root.removeHandler(handler)


def _random_feed(model: onnx.ModelProto, seed: int) -> dict[str, npt.NDArray[np.float32]]:
    generator = np.random.default_rng(seed)
    return {
        one.name: generator.standard_normal(
            [size.dim_value for size in one.type.tensor_type.shape.dim], np.float32
        )
        for one in model.graph.input
    }


def _reader(batches: list[dict[str, npt.NDArray[np.float32]]]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[dict[str, npt.NDArray[np.float32]]] = iter(batches)

        def get_next(self) -> dict[str, npt.NDArray[np.float32]] | None:
            return next(self._left, None)

    return Reader()
