"""Exact ΔL: quantize one layer, run the rest, compare image by image with the base."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from qcore.calibrate.calibration import Calibration
from qcore.data.dataset import Dataset
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.exact_bench import Bench, piece_of, suffix_costs
from qcore.sensitivity.image_chunks import ImageChunks, chosen_images, image_chunks
from qcore.sensitivity.pieces import Piece, PieceKey
from qcore.sensitivity.quantizer import quantizer_for
from qcore.sensitivity.rounds import Round, Rounds
from qcore.sensitivity.sampling import deal
from qcore.sensitivity.width_text import width_text


@dataclass(frozen=True)
class ExactRun:
    """The pieces that a run added, and the time one forward pass over all the images takes."""

    pieces: tuple[Piece, ...]
    one_forward_seconds: float | None
    finished: bool


def measure_exact(
    network: Network,
    data: Dataset,
    config: SensitivityConfig,
    *,
    calibration: Calibration | None = None,
    layers: Collection[str] | None = None,
    done: Collection[Piece] = (),
    order: Sequence[int] | None = None,
    on_order: Callable[[Sequence[int]], None] = lambda order: None,
    on_piece: Callable[[Piece], None] = lambda piece: None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> ExactRun:
    """ΔL of every layer (or of those named) at every width, in chunks of images.

    For each chunk the network advances layer by layer; at a layer each width is tried by running
    only the rest of the network, so the work before the layer is done once per chunk and a
    candidate costs on average half a forward pass. All that is not tried stays at
    ``config.base``: full precision, or (Hubara et al. 2020, CalibTIP, section 3.4) uniform 8 bit.
    ``done`` are pieces that are known already and not computed again. Every piece goes to
    ``on_piece`` as soon as it exists; after the first chunk every cell has a value, and further
    chunks narrow its interval.

    With ``config.tolerance`` a cell sees one of ten groups of images first, not every cell the same
    (``sampling``), and in rounds more groups for as long as it needs them (``tolerance``). Which
    images those are goes to ``on_order``; who goes on with the pieces of an earlier run gives it
    back as ``order``.

    Inputs are clipped at thresholds that are found on ``calibration``; biases are corrected by what
    enters the layers on these very data. Raises BadInput where the network's output on the data is
    not finite, or inputs are asked for without calibration; Stopped if that was before any piece.
    """
    chosen = [la for la in network.description.layers if layers is None or la.name in layers]
    chunks = image_chunks(network, data, config)
    rounds = Rounds([la.name for la in chosen], config, chunks.groups)
    known = {piece.key: piece for piece in done}
    now = rounds.current(known)
    if now is None:
        return ExactRun((), None, True)
    quantizer = quantizer_for(
        network, data, config, calibration, on_progress=on_progress, should_stop=should_stop
    )
    bench = Bench(network, config, quantizer)
    with torch.inference_mode():
        bench.runner(data.batch(chunks.indices[0]))  # sets up kernels: it is not a measure
    work = _Work(network, data, config, bench, chosen, chunks, known, on_piece, on_progress)
    if len(chunks.groups) > 1:
        work.deal_images(now, order, on_order, should_stop)
    finished = True
    while finished and now is not None:
        finished = work.measure(now, should_stop)
        now = rounds.current(work.known) if finished else None
    return ExactRun(tuple(work.pieces), work.one_forward_seconds if finished else None, finished)


class _Work:
    """The pieces so far, and what it takes to measure more."""

    def __init__(
        self,
        network: Network,
        data: Dataset,
        config: SensitivityConfig,
        bench: Bench,
        layers: Sequence[Layer],
        chunks: ImageChunks,
        known: dict[PieceKey, Piece],
        on_piece: Callable[[Piece], None],
        on_progress: Callable[[float, str], None],
    ) -> None:
        self.known, self.pieces = known, list[Piece]()
        self._network, self._data, self._config, self._bench = network, data, config, bench
        self._layers, self._chunks = layers, chunks
        self._on_piece, self._on_progress = on_piece, on_progress
        self._cost = suffix_costs(network, bench.runner)
        self._forward_seconds: list[float] = []  # per image

    @property
    def one_forward_seconds(self) -> float | None:
        """Of all images; None where no chunk was loaded."""
        times = self._forward_seconds
        return sum(times) / len(times) * self._config.images if times else None

    def deal_images(
        self,
        now: Round,
        order: Sequence[int] | None,
        on_order: Callable[[Sequence[int]], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Arrange the images in groups that are alike."""
        images, config = chosen_images(self._data, self._config), self._config
        sizes = np.ones(len(images))
        if self._network.description.classes is not None:
            with torch.inference_mode():
                parts = images.split(max(map(len, self._chunks.indices)))
                done = self._cost_of(now.wanted & self.known.keys())
                reached = now.at(done / self._cost_of(now.wanted))
                sizes, seconds = self._bench.look(
                    self._data, parts, partial(self._on_progress, reached), should_stop
                )
            self._forward_seconds.append(seconds / len(images))
        if order is None:
            order = images[deal(sizes, len(self._chunks.groups), config.seed)].tolist()
            on_order(order)
        self._chunks = image_chunks(self._network, self._data, config, torch.tensor(order))

    def measure(self, now: Round, should_stop: Callable[[], bool]) -> bool:
        """Measure what is missing in a round; False where it was stopped before its end."""
        spent = self._cost_of(now.wanted & self.known.keys())
        whole = self._cost_of(now.wanted)
        for number, indices in enumerate(self._chunks.indices):
            if not (cells := self._missing(now, number)):
                continue
            with torch.inference_mode():
                seconds = self._bench.load(self._data, indices)
                if seconds is not None:
                    self._forward_seconds.append(seconds / len(indices))
                for layer, width in cells:
                    if should_stop():
                        return False
                    piece = piece_of(layer, width, number, self._bench.added_loss(layer, width))
                    self.known[piece.key] = piece
                    self.pieces.append(piece)
                    self._on_piece(piece)
                    spent += self._cost_of([piece.key])
                    cell = f"{layer.name} at {width_text(width)} bits"
                    self._on_progress(now.at(spent / whole), cell)
        return True

    def _missing(self, now: Round, chunk: int) -> list[tuple[Layer, Width]]:
        """The cells to measure on a chunk, in the order of layers."""
        cells = ((layer, width) for layer in self._layers for width in self._config.widths)
        keys = now.wanted - self.known.keys()
        return [(la, width) for la, width in cells if (la.name, width, chunk) in keys]

    def _cost_of(self, keys: Collection[PieceKey]) -> float:
        return sum(self._cost[la] * len(self._chunks.indices[chunk]) for la, _, chunk in keys)
