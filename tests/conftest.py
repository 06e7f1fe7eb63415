"""Every test has a store of its own, and torch uses two threads."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest
from hypothesis import settings

# Before torch loads its thread pool. Threads that wait must not spin: next to other busy processes
# that makes small operators a hundred times slower.
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
settings.register_profile("bitdial", deadline=None, max_examples=60)
settings.load_profile("bitdial")


def pytest_collection_finish() -> None:
    """Torch and its friends are a heap that never goes away: the collector need not walk it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


@pytest.fixture(autouse=True)
def store_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``BITDIAL_HOME`` of this test alone; no database or scheduler of the user's."""
    home = tmp_path / "home"
    monkeypatch.setenv("BITDIAL_HOME", str(home))
    monkeypatch.delenv("BITDIAL_DATABASE", raising=False)
    monkeypatch.delenv("BITDIAL_SCHEDULER", raising=False)
    monkeypatch.setenv("BITDIAL_OFFLINE", "1")  # no test looks for pretrained weights
    return home
