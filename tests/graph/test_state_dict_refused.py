"""Files that are no weights, or hold code, are refused in one line and nothing runs."""

from __future__ import annotations

import contextlib
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from state_dict_files import Bomb, refused, save
from torch import nn

from qcore.errors import BadInput
from qcore.graph.state_dict import read_state


def test_pickle_bombs_do_not_go_off(tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    plain = tmp_path / "plain.pt"
    plain.write_bytes(pickle.dumps({"w": Bomb(marker)}, protocol=2))
    new = save({"w": Bomb(marker)}, tmp_path / "new.pt")
    old = save({"w": Bomb(marker)}, tmp_path / "old.pt", "legacy")
    recent = tmp_path / "protocol4.pt"
    recent.write_bytes(pickle.dumps({"w": Bomb(marker)}, protocol=4))
    for path in (plain, new, old, recent):
        message = refused(path)
        assert "mkdir" in message
        assert "not opened" in message
        assert not marker.exists()
    pickle.loads(plain.read_bytes())
    assert marker.exists(), "the bomb would have gone off"


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_pickled_module(kind: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = save(nn.Sequential(nn.Linear(2, 2)), tmp_path / "m.pt", kind)
    message = refused(path)
    assert "torch.nn.modules" in message
    assert "state dict" in message
    assert ".pt2" in message


def test_torchscript(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.trace(nn.Linear(2, 2), torch.zeros(1, 2)), path)
    assert "TorchScript" in refused(path)


def test_exported_program(tmp_path: Path) -> None:
    path = tmp_path / "program.pt2"
    torch.export.save(torch.export.export(nn.Linear(2, 2), (torch.zeros(1, 2),)), path)
    assert "exported by torch.export" in refused(path)


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_truncated_anywhere(kind: str, tmp_path: Path) -> None:
    path, state = tmp_path / "w", {"a": torch.ones(40), "b": torch.ones(30)}
    save(state, path, kind)
    whole = path.read_bytes()
    assert read_state(path, "w").tensors.keys() == state.keys()
    for length in range(0, len(whole), max(1, len(whole) // 40)):
        path.write_bytes(whole[:length])
        refused(path)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_flipped_bytes_never_raise_anything_else(kind: str, tmp_path: Path) -> None:
    path = save({"a": torch.ones(3), "b": nn.Parameter(torch.ones(2, 2))}, tmp_path / "w", kind)
    whole = path.read_bytes()
    for at in range(0, len(whole), max(1, len(whole) // 250)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with contextlib.suppress(BadInput):
                read_state(path, "w")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: torch.eye(3).to_sparse(), "sparse"),
        (lambda: torch.eye(3).to_sparse_csr(), "sparse"),
        (lambda: torch.quantize_per_tensor(torch.eye(3), 0.1, 0, torch.qint8), "quantized"),
        (lambda: torch.zeros(3, device="meta"), "without values"),
        (lambda: torch.zeros(3, dtype=torch.complex64), "complex64"),
        (lambda: torch.zeros(3).to(torch.float8_e4m3fn), "of a kind that is not read"),
    ],
    ids=["sparse", "csr", "quantized", "meta", "complex", "float8"],
)
def test_other_tensors_are_named(
    make: Callable[[], torch.Tensor], what: str, kind: str, tmp_path: Path
) -> None:
    message = refused(save({"fine": torch.ones(1), "odd": make()}, tmp_path / "w.pt", kind))
    assert what in message
    assert "'odd'" in message


@pytest.mark.parametrize(
    "value", [{}, [torch.zeros(2)], torch.zeros(2), {0: torch.zeros(2)}, {"epoch": 3}, None]
)
@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_no_state_dict(value: Any, kind: str, tmp_path: Path) -> None:
    assert "no state dict" in refused(save(value, tmp_path / "w.pt", kind))


def test_other_files(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    for content in (
        b"<html>404</html>",
        b"\x89PNG\r\n",
        b"{" * 100,
        b"PK\x03\x04rest",
        b"\x80\x02",
    ):
        path.write_bytes(content)
        refused(path)
    path.write_bytes(b"")
    assert "is empty" in refused(path)
    assert "no file" in refused(tmp_path / "absent")
    assert "no file" in refused(tmp_path)
