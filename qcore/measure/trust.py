"""Measure configurations on the very images that a sensitivity table was made on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import torch

from qcore.calibrate.calibration import Calibration
from qcore.data.dataset import Dataset
from qcore.errors import Stopped
from qcore.graph.network import Network
from qcore.measure.trust_draw import Configuration
from qcore.measure.trust_point import TrustPiece, TrustPieceKey
from qcore.sensitivity.config import SensitivityConfig
from qcore.sensitivity.exact_bench import Bench
from qcore.sensitivity.image_chunks import split_chunks
from qcore.sensitivity.quantizer import quantizer_for


def measure_trust(
    network: Network,
    data: Dataset,
    config: SensitivityConfig,
    configurations: Sequence[Configuration],
    *,
    calibration: Calibration | None = None,
    done: Collection[TrustPieceKey] = (),
    on_piece: Callable[[TrustPiece], None] = lambda piece: None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> tuple[TrustPiece, ...]:
    """ΔL of whole configurations, image by image against the base, in chunks of images.

    Images, loss, base and quantizer (thresholds and bias corrections too) are those of a table that
    was made with ``config``, so what is left between its prediction and this is the estimate's
    error. Each chunk costs a forward pass for each configuration, one in full precision, and one
    more at the base where that is another. ``done`` names pieces that are known; every new one goes
    to ``on_piece`` at once. Raises BadInput where an output is not finite or inputs are rounded
    without calibration; Stopped when ``should_stop`` says so.
    """
    quantizer = quantizer_for(
        network, data, config, calibration, on_progress=on_progress, should_stop=should_stop
    )
    chunks = split_chunks(network, data, config)
    found: list[TrustPiece] = []
    with torch.inference_mode():
        bench = Bench(network, config, quantizer)
        for chunk, indices in enumerate(chunks):
            missing = [n for n in range(len(configurations)) if (n, chunk) not in done]
            if missing:
                bench.load(data, indices)
            for number in missing:
                if should_stop():
                    raise Stopped
                widths = configurations[number].widths
                added = bench.added_loss_together(
                    zip(network.description.layers, widths, strict=True)
                )
                sums = float(added.sum()), float(added.square().sum())
                found.append(TrustPiece(number, chunk, len(added), *sums))
                on_piece(found[-1])
                known, all_pieces = len(done) + len(found), len(chunks) * len(configurations)
                on_progress(known / all_pieces, f"step {known} of {all_pieces}")
    return tuple(found)
