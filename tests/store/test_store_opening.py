"""Several at once ask, or open a store that is not there yet; and stores that cannot be opened."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from store_common import QUESTION, silence

from qcore.errors import BadInput
from qcore.store.job import SILENT_SECONDS
from qcore.store.store import Store


def ask_from_threads(count: int, before: str | None) -> list[bool]:
    """The same question from many threads at the same moment, each with a store of its own."""
    stores = [Store() for _ in range(count)]
    if before is not None:
        job, _ = stores[0].ask("sensitivity", QUESTION)
        if before == "lost":
            silence(stores[0], job.id, SILENT_SECONDS + 1)
        else:
            stores[0].end(job.id, before, 0.0)
    barrier, started = threading.Barrier(count), []

    def ask(store: Store) -> None:
        barrier.wait()
        started.append(store.ask("sensitivity", QUESTION)[1])

    threads = [threading.Thread(target=ask, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in stores:
        store.close()
    return started


@pytest.mark.parametrize("before", [None, "failed", "cancelled", "lost"])
def test_one_of_many_threads_starts_the_job(before: str | None) -> None:
    started = ask_from_threads(8, before)
    assert len(started) == 8
    assert sum(started) == 1


def test_one_of_several_processes_starts_the_job() -> None:
    """Also the first to open the database, which has to be made, is any of them."""
    code = (
        "import json; from qcore.store.store import Store; print('ready', flush=True);"
        f"input(); print(json.dumps(Store().ask('sensitivity', {QUESTION!r})[1]))"
    )
    command = [sys.executable, "-c", code]
    root = Path(__file__).resolve().parents[2]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, cwd=root, **pipes) for _ in range(3)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(answers) == 1


@pytest.mark.parametrize("what", ["home is a file", "database is no database"])
def test_unusable_store_is_one_line(what: str, store_home: Path) -> None:
    if what == "home is a file":
        store_home.write_text("x")
    else:
        store_home.mkdir()
        (store_home / "bitdial.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(BadInput) as caught:
        Store()
    assert "BITDIAL_HOME" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
