"""Small networks whose layers are of every kind, and runs without patience."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import torch
from torch import Tensor, nn

from qcore.graph.build import build_network
from qcore.graph.network import Network
from qcore.hardware.pair import BitPair
from qcore.latency.measurement import LatencyMeasurement, LayerLatency, NetworkLatency, NotRun
from qcore.latency.timing import Effort

HASTE = Effort(rounds=3, least_s=0.0, most_s=0.01)


class EveryKind(nn.Module):
    """One image (6, 12, 12) through layers that do not depend on each other."""

    def __init__(self) -> None:
        super().__init__()
        self.plain = nn.Conv2d(6, 20, 3, padding=1)
        self.strided = nn.Conv2d(6, 8, (3, 5), stride=(2, 3), padding=(1, 2), dilation=(2, 1))
        self.grouped = nn.Conv2d(6, 12, 3, groups=3, bias=False)
        self.depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.same = nn.Conv2d(6, 5, 4, padding="same", dilation=1)
        self.one = nn.Conv1d(6, 7, 3, padding=2, dilation=2)
        self.three = nn.Conv3d(6, 4, (1, 3, 3), padding=(0, 1, 0))
        self.up = nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1, groups=2)
        self.up_one = nn.ConvTranspose1d(6, 3, 4, stride=3, dilation=2)
        self.head = nn.Linear(6 * 144, 10)
        self.tokens = nn.Linear(12, 40, bias=False)
        self.twice = nn.Conv2d(6, 6, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        flat, deep = x.flatten(2), x.unsqueeze(2)
        maps = [
            self.plain(x),
            self.strided(x),
            self.grouped(x),
            self.depthwise(x),
            self.same(x),
            self.one(flat),
            self.three(deep),
            self.up(x),
            self.up_one(flat),
            self.head(x.flatten(1)),
            self.tokens(x),
            self.twice(self.twice(x)),
        ]
        return torch.stack([m.flatten(1).mean(1) for m in maps], 1)


@cache
def every_kind() -> Network:
    torch.manual_seed(0)
    return build_network(EveryKind(), "every kind", ((6, 12, 12),))


class NoOnnx(nn.Module):
    """ONNX has no Bessel functions."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.special.bessel_j0(self.head(x))


@cache
def no_onnx() -> Network:
    return build_network(NoOnnx(), "no onnx", ((4,),))


def answer(model: onnx.ModelProto, x: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """What ONNX Runtime makes of it without any optimisation."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    found: npt.NDArray[np.generic] = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    ).run(None, {"x": x})[0]
    return found


def a_measurement(fingerprint: str = "a" * 64, median_ms: float = 2.0) -> LatencyMeasurement:
    """Two layers: one linear, one that runs at full precision alone."""
    return LatencyMeasurement(
        network_fingerprint=fingerprint,
        network_name="two",
        processor="Some CPU",
        threads=2,
        batch=4,
        runtime="ONNX Runtime 1.31.1",
        layers=(
            LayerLatency(BitPair(None, None), 1.0, 0.9, 1.5, 10, "up"),
            LayerLatency(BitPair(None, None), median_ms, 1.0, 3.0, 12, "head"),
            LayerLatency(BitPair(8, 8), 0.5, 0.5, 0.6, 12, "head"),
            LayerLatency(BitPair(4, None), 0.75, 0.7, 0.8, 12, "head"),
        ),
        networks=(NetworkLatency(BitPair(None, None), 2.5, 2.4, 2.6, 20),),
        not_run=(
            NotRun("up", BitPair(8, 8), "no kernel"),
            NotRun("up", BitPair(4, None), "no kernel"),
            NotRun(None, BitPair(8, 8), "cannot be exported"),
        ),
        seconds=1.5,
    )
