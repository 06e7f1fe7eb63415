"""MODEL -> Network: ``sample:NAME``, ``torchvision:NAME[@FILE]``, ``FILE.onnx``, ``FILE.pt2``."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING

from qcore.errors import BadInput, is_out_of_memory
from qcore.graph.build import build_network, network_from_program
from qcore.graph.network import Network
from qcore.graph.recipes import EXPORT_HINT
from qcore.graph.reference import (
    PROGRAM_SUFFIXES,
    STATE_SUFFIXES,
    ModelReference,
    files_of,
    parse_reference,
    stamp_of,
)
from qcore.samples import SAMPLES, build_sample

if TYPE_CHECKING:
    from qcore.graph.torchvision_models import TorchvisionModel


def load_network(reference: str) -> Network:
    """Load, export, fold and describe a network; the last two loaded are kept in memory.

    Raises BadInput for an unknown or malformed reference, a missing, unreadable or refused file,
    weights that are not finite, and networks that cannot be exported or have nothing to quantize.
    """
    return _load(reference, stamp_of(parse_reference(reference)))


@functools.lru_cache(maxsize=2)
def _load(text: str, stamp: str) -> Network:
    reference = parse_reference(text)
    if reference.kind == "sample":
        preprocessing = SAMPLES[reference.name].preprocessing
        module = build_sample(reference.name)
        return build_network(module, text, (preprocessing.input_shape,), preprocessing)
    if reference.kind == "torchvision":
        return _load_torchvision(reference, text)
    try:
        return _load_file(reference, text)
    except BadInput:
        raise
    except Exception as error:  # a file can state any operator with any arguments
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise BadInput(
            f"{title_of(reference)} cannot be run as a network ({reason[:200]}); export it again"
        ) from error


def title_of(reference: ModelReference) -> str:
    """What the owner of a file calls it."""
    assert reference.file is not None
    return next(iter(files_of(reference.file)))


def _load_torchvision(reference: ModelReference, text: str) -> Network:
    from qcore.graph.state_dict import read_state
    from qcore.graph.torchvision_models import build_pretrained, build_with_state

    if reference.file is None:
        return _from_torchvision(build_pretrained(reference.name), text)
    title, path = next(iter(files_of(reference.file).items()))
    return _from_torchvision(build_with_state(reference.name, read_state(path, title)), text)


def _from_torchvision(model: TorchvisionModel, text: str, *more: str) -> Network:
    shape = model.preprocessing.input_shape
    # Where the weights are random the last note says so.
    why = model.notes[-1] if model.random else None
    notes = (*more, *(model.notes[:-1] if model.random else model.notes))
    return build_network(
        model.module, text, (shape,), model.preprocessing, notes=notes, weights_note=why
    )


def _load_file(reference: ModelReference, text: str) -> Network:
    assert reference.file is not None
    files = files_of(reference.file)
    title = next(iter(files))
    suffix = Path(title.lower()).suffix
    if suffix == ".onnx":
        return _load_onnx(files, text, reference.input_shape)
    if suffix == ".pt2":
        return _load_pt2(files[title], title, text, reference.input_shape)
    if suffix in STATE_SUFFIXES:
        return _load_weights_alone(files[title], title, text)
    accepted = ", ".join(PROGRAM_SUFFIXES + STATE_SUFFIXES)
    raise BadInput(f"{title} is no network that can be read; accepted: {accepted}")


def _load_onnx(files: dict[str, Path], text: str, shape: tuple[int, ...] | None) -> Network:
    from qcore.graph.onnx_import.load import read_onnx

    found = read_onnx(files, shape)
    return build_network(
        found.module,
        text,
        found.input_shapes,
        notes=found.notes,
        batch=found.batch,
        input_names=found.input_names,
    )


def _load_pt2(path: Path, title: str, text: str, shape: tuple[int, ...] | None) -> Network:
    from qcore.graph.program import from_exported
    from qcore.graph.pt2.load import read_pt2

    exported = read_pt2(path, title)
    program = from_exported(exported, None if shape is None else (shape,))
    parameters = sum(p.numel() for p in exported.parameters())
    return network_from_program(program, text, None, parameters=parameters)


def _load_weights_alone(path: Path, title: str, text: str) -> Network:
    """Weights that nobody said the architecture of: torchvision's one that they fit."""
    from qcore.graph.state_dict import read_state
    from qcore.graph.torchvision_models import build_with_state, guess_architectures

    state = read_state(path, title)
    guesses = guess_architectures(state)
    model = None
    if guesses:
        with contextlib.suppress(BadInput):
            model = build_with_state(guesses[0], state)
    if model is not None:
        return _from_torchvision(model, text, f"these weights fit {guesses[0]} of torchvision")
    near = f" (nearest: {', '.join(guesses)})" if guesses else ""
    raise BadInput(
        f"{title} holds weights that fit no torchvision network{near}; name the architecture with "
        f"torchvision:NAME@FILE, or {EXPORT_HINT}"
    )
