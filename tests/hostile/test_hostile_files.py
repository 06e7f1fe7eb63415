"""Every kind of hostile or broken file, through the jobs that open it.

Each is refused in its one line or works; nothing is written outside of the store, no code runs, no
warning appears, and no more memory is taken than a small file may take.
"""

from __future__ import annotations

import io
import logging
import pickle
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attack_files import pickled
from hostile_arrays import ARRAYS
from hostile_case import Case
from hostile_images import IMAGES
from hostile_onnx import ONNX
from hostile_pt2 import PT2
from hostile_state import STATE
from hostile_watch import Watch

from qcore.data.source import DataSource
from qcore.errors import BadInput
from qcore.graph.load import load_network
from qcore.jobs.questions import DataQuestion, PrepareQuestion, Question, to_json
from qcore.jobs.work import run_job
from qcore.store.store import Store
from qcore.store.uploads import Role, add_upload

NETWORK = "sample:fashion-cnn"
TABLES = {"onnx": ONNX, "pt2": PT2, "state": STATE, "images": IMAGES, "arrays": ARRAYS}
CASES = [(door, name) for door, table in TABLES.items() for name in table]
_MOST_BYTES = 500 * 10**6


@pytest.fixture(scope="module")
def watch() -> Watch:
    load_network(NETWORK)  # torch and the rest are imported before anything is counted
    return Watch()


@pytest.fixture
def place(
    tmp_path: Path, watch: Watch, monkeypatch: pytest.MonkeyPatch, store_home: Path
) -> Iterator[Path]:
    """An empty working folder beside the store, and a folder for temporary files."""
    work, temporary = tmp_path / "work" / "deep" / "er", tmp_path / "temporary"
    for folder in (work, temporary, store_home):
        folder.mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("BITDIAL_LOAD_GB", "1")
    yield tmp_path
    watch.allowed = None


def peak_bytes() -> int | None:
    """The most memory that was resident at once since the last call, where Linux says so."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        (peak,) = (int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except (OSError, ValueError):
        return None
    return peak * 1024


def question(reference: str, role: Role) -> Question:
    if role == "network":
        return PrepareQuestion(reference, "")
    fingerprint = load_network(NETWORK).description.fingerprint
    own = load_network(NETWORK).preprocessing
    return DataQuestion(NETWORK, fingerprint, DataSource(reference, own, halved=False))


def answer(files: dict[str, bytes], role: Role) -> tuple[str, str, dict[str, Any]]:
    """State, message and result of the job about uploaded files."""
    try:
        given = [(name, io.BytesIO(content)) for name, content in files.items()]
        upload = add_upload(given, role)
    except BadInput as error:
        return "failed", str(error), {}
    store = Store()
    try:
        asked = question(upload.reference, role)
        job, _ = store.ask(asked.kind, to_json(asked))
        run_job(job.id, store.url)
        over = store.get(job.id)
        return over.state, over.message, dict(over.result or {})
    finally:
        store.close()


def others(place: Path) -> set[str]:
    """Files beside the store."""
    found = (path.relative_to(place) for path in place.rglob("*"))
    return {str(path) for path in found if path.parts[0] != "home"}


def notes_of(result: dict[str, Any]) -> str:
    report = result.get("report") or result["network"]["model"]
    return "\n".join(report["notes"])


@pytest.mark.parametrize(("door", "name"), CASES, ids=[f"{d}: {n}" for d, n in CASES])
def test_file(
    door: str,
    name: str,
    place: Path,
    watch: Watch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    case: Case = TABLES[door][name]
    role: Role = "data" if door in ("images", "arrays") else "network"
    mark = place / "mark"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files = case.files(mark)
    before, watch.seen = others(place), []
    capfd.readouterr()
    caplog.set_level(logging.WARNING)
    start = peak_bytes()
    start = peak_bytes()  # the first call has begun to count anew
    watch.allowed = (place,)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        state, message, result = answer(files, role)
    watch.allowed = None
    end = peak_bytes()
    assert not mark.exists(), "code has run"
    assert others(place) == before
    assert watch.seen == []
    if case.works:
        assert state == "finished", message
        assert case.message in notes_of(result)
    else:
        assert state == "failed"
        assert case.message in message
        assert len(message.splitlines()) == 1
        assert len(message) < 600
        assert "unexpected" not in message
    assert [str(one.message) for one in warned] == []
    assert [r for r in caplog.records if r.levelno >= logging.WARNING] == []
    assert capfd.readouterr() == ("", "")
    if start is not None and end is not None:
        assert end - start < _MOST_BYTES


def test_the_payload_and_the_witness_work(place: Path, watch: Watch) -> None:
    """Where pickles are opened the code does run, and the watch hears of it."""
    watch.seen, watch.allowed = [], (place / "home",)
    pickle.loads(pickled(place / "mark"))
    (place / "other").write_bytes(b"")
    watch.allowed = None
    assert (place / "mark").is_dir()
    assert [line.partition(" ")[0] for line in watch.seen] == [
        "pickle.find_class",
        "os.mkdir",
        "open",
    ]


def test_more_than_the_limit(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITDIAL_UPLOAD_MB", "1")
    for files in ({"a.onnx": bytes(10**6 + 1)}, {"a.png": bytes(600_000), "b.png": bytes(600_000)}):
        state, message, _ = answer(files, "network")
        assert (state, "the limit of 1 MB" in message) == ("failed", True)
    kept = [path for path in (place / "home").rglob("*") if path.is_file()]
    assert kept == []
