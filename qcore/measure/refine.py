"""Refine an estimated sensitivity table: exact values of the cells that decide allocations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

import torch

from qcore.data.dataset import Dataset
from qcore.graph.layer import Layer
from qcore.graph.network import Network
from qcore.measure.refine_cells import RefineChoice, choose_cells
from qcore.sensitivity.config import SensitivityConfig, Width
from qcore.sensitivity.exact_bench import Bench, piece_of
from qcore.sensitivity.image_chunks import split_chunks
from qcore.sensitivity.pieces import Piece, PieceKey
from qcore.sensitivity.quantizer import quantizer_for
from qcore.sensitivity.refined import exact_config
from qcore.sensitivity.row import SensitivityRow
from qcore.sensitivity.width_text import width_text


@dataclass(frozen=True)
class RefineRun:
    """The pieces that a run added, and what it took.

    ``cells`` were chosen, and take ``passes`` forward passes with setting up. One such pass over
    all the images takes ``one_forward_seconds``; None where nothing was run.
    """

    pieces: tuple[Piece, ...]
    cells: int
    passes: float
    one_forward_seconds: float | None
    finished: bool


def refine(
    network: Network,
    data: Dataset,
    config: SensitivityConfig,
    rows: Sequence[SensitivityRow],
    *,
    done: Collection[PieceKey] = (),
    on_piece: Callable[[Piece], None] = lambda piece: None,
    on_progress: Callable[[float, str], None] = lambda fraction, message: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> RefineRun:
    """Measure, on the same images, the cells of an estimated table that decide an allocation.

    ``rows`` are the whole table. Cells are chosen once, from these alone, by what they are worth
    per forward pass at all budgets (``worth_measuring``), as many as ``config.refine`` passes pay
    for; none where nothing is decisive. All are then measured on one way through the network: to
    choose again half way would take another. ``done`` names pieces that are known already. Every
    other piece goes to ``on_piece`` as soon as it exists; a cell has its value after the last chunk
    of images. Raises BadInput where an output of the network is not finite.
    """
    exact = exact_config(config)
    choice = choose_cells(network.description, rows, config.refine or 0)
    run = RefineRun((), len(choice.cells), choice.passes, None, True)
    chunks = split_chunks(network, data, exact)
    left = [_missing(network, choice, number, done) for number in range(len(chunks))]
    if not any(left):
        return run
    total = sum(choice.passes_of[layer] for layer, _ in choice.cells) * exact.images
    spent = sum(choice.passes_of[layer] * len(chunks[number]) for layer, _, number in done)
    quantizer = quantizer_for(network, data, exact, should_stop=should_stop)
    bench = Bench(network, exact, quantizer)
    pieces: list[Piece] = []
    forward_seconds: list[float] = []  # per image
    for number, cells in enumerate(left):
        with torch.inference_mode():
            if cells:
                seconds = bench.load(data, chunks[number])
                assert seconds is not None  # nobody has looked at these images before
                forward_seconds.append(seconds / len(chunks[number]))
            for layer, width in cells:
                if should_stop():
                    return replace(run, pieces=tuple(pieces), finished=False)
                piece = piece_of(layer, width, number, bench.added_loss(layer, width))
                pieces.append(piece)
                on_piece(piece)
                spent += choice.passes_of[layer.name] * piece.samples
                cell = f"{layer.name} at {width_text(width)} bits"
                on_progress(spent / total, f"{cell}, exactly")
    all_images = sum(forward_seconds) / len(forward_seconds) * exact.images
    return replace(run, pieces=tuple(pieces), one_forward_seconds=all_images)


def _missing(
    network: Network, choice: RefineChoice, chunk: int, done: Collection[PieceKey]
) -> list[tuple[Layer, Width]]:
    """The cells to measure on a chunk, layers as the network runs."""
    chosen = set(choice.cells)
    return [
        (layer, Width(bits))
        for layer in network.description.layers
        for bits in sorted({bits for name, bits in chosen if name == layer.name})
        if (layer.name, Width(bits), chunk) not in done
    ]
