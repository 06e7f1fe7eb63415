"""Load a network once and write what pages need of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from qcore.data.dataset import Dataset
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.kernels import to_kernels
from qcore.graph.load import load_network
from qcore.graph.network import Network
from qcore.prepare.prepared import DataPair, DataSummary, Prepared
from qcore.prepare.weigh import layer_arrays, overview_arrays
from qcore.store.disk import MOST_BYTES, keep_newest, used_now


def prepare(
    reference: str,
    *,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
) -> Prepared:
    """Describe a network and write its weights and scales. Raises BadInput as ``load_network``."""
    on_progress(0.05, "loading and exporting the network")
    network = load_network(reference)
    has_data = reference.startswith("sample:")
    pair = _sample_pair(DataSource(reference), network) if has_data else None
    prepared = Prepared(network.description, pair, network.preprocessing)
    if prepared.weights_path.exists():
        used_now(prepared.weights_path)
    else:
        write_weights(network, prepared.weights_path, on_progress)
    return prepared


def write_weights(network: Network, path: Path, on_progress: Callable[[float, str], None]) -> None:
    """Write every layer's rows and what ``weigh`` finds; the file appears whole or not at all."""
    tensors: dict[str, Tensor] = {}
    found = []
    layers = network.description.layers
    for number, layer in enumerate(layers):
        on_progress(0.4 + 0.6 * number / len(layers), f"clipping thresholds of {layer.name}")
        arrays = layer_arrays(to_kernels(network.weight(layer), layer).contiguous())
        tensors |= {f"{key}|{layer.name}": array for key, array in arrays.items()}
        found.append(arrays)
    tensors |= {f"overview|{key}": array for key, array in overview_arrays(found).items()}
    draft = path.with_suffix(f".{os.getpid()}.draft")
    save_file(tensors, draft)
    draft.replace(path)
    used_now(path)
    keep_newest(path.parent, MOST_BYTES)


def _sample_pair(source: DataSource, network: Network) -> DataPair:
    return pair_of(
        source,
        load_data(source, network, "calibration"),
        load_data(source, network, "evaluation"),
    )


def pair_of(source: DataSource, calibration: Dataset, evaluation: Dataset) -> DataPair:
    """The summaries of the two sets of images that a source was loaded as."""

    def summary(data: Dataset) -> DataSummary:
        return DataSummary(source, data.fingerprint(), len(data), data.labels is not None)

    return DataPair(summary(calibration), summary(evaluation))
