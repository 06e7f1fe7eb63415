"""Models as ONNX Runtime runs them."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort

_ERRORS_ONLY = 3


def open_session(model: bytes, threads: int, optimised: Path | None = None) -> ort.InferenceSession:
    """On the processor, all optimisations on; the optimised graph is written where that is given.

    ``threads`` work inside an operator, operators run one after another. Threads wait by spinning,
    as is the default, but only while the model runs: those of another session that still spun
    would take a core from it.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.force_spinning_stop", "1")
    if optimised is not None:
        options.optimized_model_filepath = str(optimised)
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def open_optimised(model: bytes, threads: int) -> tuple[ort.InferenceSession, onnx.ModelProto]:
    """A session, and the model that it runs after optimisation."""
    with tempfile.TemporaryDirectory(prefix="bitdial-") as folder:
        path = Path(folder) / "optimised.onnx"
        session = open_session(model, threads, path)
        return session, onnx.load(path)


def operators(model: onnx.ModelProto) -> Counter[str]:
    """How often each operator occurs."""
    return Counter(node.op_type for node in model.graph.node)


def bound_run(session: ort.InferenceSession) -> Callable[[], None]:
    """What runs the session once on random inputs that lie in memory already."""
    binding, generator = session.io_binding(), np.random.default_rng(0)
    for one in session.get_inputs():
        shape = tuple(one.shape)
        if one.type == "tensor(uint8)":
            values = generator.integers(0, 256, shape, np.uint8)
        else:
            values = generator.standard_normal(shape, np.float32)
        binding.bind_ortvalue_input(one.name, ort.OrtValue.ortvalue_from_numpy(values))
    for one in session.get_outputs():
        binding.bind_output(one.name)
    return lambda: session.run_with_iobinding(binding)
