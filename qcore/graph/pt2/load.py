"""A .pt2 file -> ExportedProgram, without running code that the file brings."""

from __future__ import annotations

import json
import logging
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.export import ExportedProgram

from qcore.data.archive import check_archive, open_archive, read_entry
from qcore.errors import BadInput, is_out_of_memory
from qcore.graph.pt2.graph import check_program, check_version
from qcore.graph.pt2.layout import CONSTANTS, LIMITS, WEIGHTS, Layout, find_layout
from qcore.graph.pt2.tensors import Payloads, check_payloads
from qcore.graph.pt2.text import Refused, parse_json
from qcore.graph.pt2.typed import typed

_JSON_BYTES = 64 * 2**20
_ROOT = "network"


def read_pt2(path: Path, title: str) -> ExportedProgram:
    """The network that ``torch.export.save`` wrote to ``path``; ``title`` is what messages call it.

    The archive is taken apart, checked against allow-lists (operators, names, types, nesting,
    shape expressions, tensors within their bytes) and rebuilt without sample inputs, guards and
    metadata; torch loads only the rebuilt one, from a temporary file. So ``example_inputs`` is
    None. Raises BadInput, naming what is not allowed, for every other file: pickled tensors, script
    objects, compiled code, subgraphs, other formats and versions, and damaged files.

    Source of what is guarded against: ``torch/export/pt2_archive/_package.py``,
    ``torch/_export/serde/serialize.py``, ``torch/utils/_pytree.py``, ``torch/fx/graph.py`` and
    ``torch/export/_unlift.py`` of torch 2.13.
    """
    try:
        _check_no_pickle(path)
        with open_archive(path, title) as archive, tempfile.TemporaryDirectory() as folder:
            layout = find_layout(check_archive(archive, title, LIMITS))
            clean = Path(folder) / f"{_ROOT}.pt2"
            _rebuild(archive, layout, clean)
            return _load(clean)
    except Refused as error:
        raise BadInput(f"{title} {error}") from error
    except BadInput as error:
        if str(error).startswith(title):
            raise
        raise BadInput(f"{title}: {error}") from error


def _check_no_pickle(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(2)
    except OSError as error:
        raise Refused(f"cannot be read ({error.strerror}); check the path") from error
    if start[:1] == b"\x80":
        raise Refused("is a pickle, which could run code; save it by torch.export.save")


def _rebuild(archive: zipfile.ZipFile, layout: Layout, target: Path) -> None:
    """Write a new archive of what has been proven safe."""
    _check_constants(archive, layout)
    raw = _json(archive, layout, layout.program)
    check_version(raw)
    program = check_program(typed(raw, "ExportedProgram"))
    weights = _payloads(archive, layout, WEIGHTS, "weight")
    constants = _payloads(archive, layout, CONSTANTS, "tensor")
    _check_tensors(program["graph_module"], weights, constants)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as clean:
        for folder, payloads in ((WEIGHTS, weights), (CONSTANTS, constants)):
            for old, new in payloads.files.items():
                info = layout.entries[folder + old]
                content = read_entry(archive, info, LIMITS.total_bytes)
                clean.writestr(f"{_ROOT}/{folder}{new}", content)
            config = f"{folder}model_{folder.split('/')[1]}_config.json"
            clean.writestr(f"{_ROOT}/{config}", json.dumps(payloads.config))
        clean.writestr(f"{_ROOT}/models/model.json", json.dumps(program))
        # No bytes are no sample inputs: torch has nothing to unpickle.
        clean.writestr(f"{_ROOT}/data/sample_inputs/model.pt", b"")
        clean.writestr(f"{_ROOT}/archive_format", "pt2")
        clean.writestr(f"{_ROOT}/archive_version", "0")
        clean.writestr(f"{_ROOT}/.data/version", "6\n")
        clean.writestr(f"{_ROOT}/byteorder", "little")


def _check_constants(archive: zipfile.ZipFile, layout: Layout) -> None:
    for name, wanted in (("archive_format", b"pt2"), ("archive_version", b"0"), ("byteorder", b"")):
        if name not in layout.entries:
            if wanted:
                raise Refused(f"lacks {name!r}; save it again with torch 2.13")
            continue
        found = read_entry(archive, layout.entries[name], 1000)
        if found != (wanted or b"little"):
            raise Refused(f"has {name} {ascii(found)[:40]}; save it again with torch 2.13")


def _json(archive: zipfile.ZipFile, layout: Layout, name: str) -> Any:
    return parse_json(read_entry(archive, layout.entries[name], _JSON_BYTES), name)


def _payloads(archive: zipfile.ZipFile, layout: Layout, folder: str, kind: str) -> Payloads:
    config = typed(_json(archive, layout, layout.config(folder)), "PayloadConfig")

    def size_of(file: str) -> int | None:
        info = layout.entries.get(folder + file)
        return None if info is None else info.file_size

    return check_payloads(config, kind, size_of)


def _check_tensors(module: dict[str, Any], weights: Payloads, constants: Payloads) -> None:
    """Every stored input of the graph is there, of the type and sizes that the graph states."""
    for spec in module["signature"]["input_specs"]:
        ((kind, entry),) = spec.items()
        if kind not in ("parameter", "buffer", "tensor_constant"):
            continue
        kept = kind == "parameter" or (kind == "buffer" and entry["persistent"])
        stored = (weights if kept else constants).config["config"]
        name = entry[f"{kind}_name"]
        if name not in stored:
            raise Refused(f"lacks the tensor {name!r}; save it again")
        meta = stored[name]["tensor_meta"]
        stated = module["graph"]["tensor_values"][entry["arg"]["name"]]
        if any(meta[key] != stated[key] for key in ("dtype", "sizes")):
            raise Refused(f"states another shape or type for {name!r} than it holds; save it again")


def _load(clean: Path) -> ExportedProgram:
    with _quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return torch.export.load(clean)
        except Exception as error:  # torch's loader raises many types
            if is_out_of_memory(error):
                raise
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            if reason.startswith("We ran into an error"):  # it says no more than that
                reason = "its graph is not consistent"
            raise Refused(
                f"cannot be loaded by torch {torch.__version__} ({reason[:160]}); export it again"
            ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """torch logs a traceback for every file it refuses; the message says it here."""
    loggers = [logging.getLogger(name) for name in ("torch.export", "torch._export")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
