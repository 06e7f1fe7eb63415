"""Files that can be made again: how many are kept, and what is swept."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from qcore.jobs import worker_process
from qcore.store.disk import keep_newest, sweep, used_now


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    files = [tmp_path / name for name in "abcd"]
    for file in files:
        file.write_bytes(bytes(10))
        used_now(file)
    used_now(files[0])
    keep_newest(tmp_path, 25)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "d"]
    keep_newest(tmp_path, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]  # it was asked for just now


def test_drafts_of_more_than_a_day_are_swept(store_home: Path) -> None:
    names = ("uploads/.draft-x", "data/.draft-x", "networks/f.7.draft", "previews/f.7.draft")
    others = ("uploads/abc", "data/a.safetensors", "networks/a.safetensors", "previews/a.npz")
    for name in (*names, *others, "workers/tmp/host-1/big", "workers/tmp/host-1/new"):
        path = store_home / name
        path.mkdir(parents=True)
        (path / "0").write_text("x")
        if not name.endswith("new"):
            os.utime(path, (time.time() - 90_000,) * 2)
    fresh = store_home / "data" / ".draft-fresh"
    fresh.write_text("x")
    file = store_home / "networks" / "g.7.draft"
    file.write_text("x")
    os.utime(file, (time.time() - 90_000,) * 2)
    sweep()
    assert not [name for name in names if (store_home / name).exists()]
    assert all((store_home / name).exists() for name in others)
    assert fresh.exists()
    assert not file.exists()
    assert [path.name for path in (store_home / "workers/tmp/host-1").iterdir()] == ["new"]


def test_nothing_to_sweep_in_a_new_home(store_home: Path) -> None:
    sweep()


def test_temporary_files_of_dead_workers_are_removed(
    store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    monkeypatch.setattr("platform.node", lambda: "host[1]")
    folder = store_home / "workers" / "tmp"
    names = {
        f"host[1]-{os.getppid()}": True,  # it lives
        "host[1]-4194999": False,  # no system has so many processes
        "host[1]-99999999999999999999": False,
        "host2-4194999": True,  # of another machine
    }
    for name in names:
        (folder / name).mkdir(parents=True)
    worker_process.use_own_temporary_folder()
    assert {name: (folder / name).exists() for name in names} == names
    own = folder / f"host[1]-{os.getpid()}"
    assert tempfile.gettempdir() == str(own)
    with tempfile.NamedTemporaryFile() as file:
        assert Path(file.name).parent == own


def test_a_home_without_room_leaves_the_system_s_own_folder(
    store_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    (store_home / "workers").mkdir(parents=True)
    (store_home / "workers" / "tmp").write_text("in the way")
    worker_process.use_own_temporary_folder()
    assert tempfile.tempdir is None
