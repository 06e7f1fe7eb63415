"""Files that take too long or too much memory, on real workers: refused, and the next is opened."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from attack_files import network, program
from onnx import helper

from qcore.jobs.questions import PrepareQuestion
from qcore.jobs.runner import JobRunner
from qcore.store.job import Job
from qcore.store.store import Store
from qcore.store.uploads import add_upload


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("workers") / "home"


@pytest.fixture(scope="module")
def runner(home: Path) -> Iterator[JobRunner]:
    """One cluster for this file, whose workers may take 1 GB to open a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BITDIAL_HOME", str(home))
        patch.delenv("BITDIAL_DATABASE", raising=False)
        patch.delenv("BITDIAL_SCHEDULER", raising=False)
        patch.setenv("BITDIAL_LOAD_GB", "1")
        # One death errs all that waits behind it: then this app has to submit it again.
        patch.setenv("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", "0")
        store = Store()
        started = JobRunner(store)
        started.wait_until_ready()
        yield started
        started.close()
        store.close()


@pytest.fixture(autouse=True)
def same_home(home: Path, store_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files go where the workers look for them."""
    monkeypatch.setenv("BITDIAL_HOME", str(home))


def opened(runner: JobRunner, name: str, content: bytes) -> Job:
    """The job about a file, when it has ended."""
    return over(runner, asked(runner, name, content))


def asked(runner: JobRunner, name: str, content: bytes) -> Job:
    upload = add_upload([(name, io.BytesIO(content))], "network")
    return runner.submit(PrepareQuestion(upload.reference, ""))


def over(runner: JobRunner, job: Job) -> Job:
    deadline = time.monotonic() + 90
    while runner.store.get(job.id).active:
        assert time.monotonic() < deadline, runner.store.get(job.id)
        time.sleep(0.05)
    return runner.store.get(job.id)


def slow() -> bytes:
    """300 kB that are half an hour of work: one convolution, thousands of times."""
    nodes = [
        helper.make_node("Conv", [f"v{i}" if i else "x", "w"], [f"v{i + 1}"], pads=[1] * 4)
        for i in range(5000)
    ]
    weight = np.zeros((128, 128, 3, 3), np.float16)
    nodes.insert(0, helper.make_node("Cast", ["h"], ["w"], to=1))
    nodes.append(helper.make_node("Identity", ["v5000"], ["y"]))
    return network(nodes=nodes, stored={"h": weight}, image=("n", 128, 64, 64))


def large() -> bytes:
    """A small file whose images are of 500 MB inside the network."""
    shape = np.array([1, 8, 4096, 4096])
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"]),
        helper.make_node("ReduceMean", ["a"], ["b"], axes=[2, 3], keepdims=1),
        helper.make_node("Expand", ["b", "s"], ["c"]),
        helper.make_node("Relu", ["c"], ["d"]),
        helper.make_node("Exp", ["d"], ["e"]),
        helper.make_node("Add", ["d", "e"], ["f"]),
        helper.make_node("ReduceMean", ["f"], ["y"], axes=[2, 3], keepdims=0),
    ]
    return network(nodes=nodes, stored={"w": np.ones((8, 3, 3, 3), np.float32), "s": shape})


def test_memory_is_bounded_and_the_worker_lives(runner: JobRunner) -> None:
    job = opened(runner, "large.onnx", large())
    assert (job.state, job.result) == ("failed", None)
    assert "more than the 1 GB of memory" in job.message
    assert "BITDIAL_LOAD_GB" in job.message
    assert opened(runner, "good.pt2", program()).state == "finished"


def test_time_is_bounded_and_another_worker_comes(runner: JobRunner) -> None:
    # Only the workers that are there now: those that come after them have the default.
    runner._client.result().run(exec, "import os; os.environ['BITDIAL_LOAD_SECONDS'] = '2'")
    job = opened(runner, "slow.onnx", slow())
    assert (job.state, job.result) == ("failed", None)
    assert "took longer than 2 s and was stopped" in job.message
    assert "BITDIAL_LOAD_SECONDS" in job.message
    assert opened(runner, "next.pt2", program(value=1.0)).state == "finished"


def until_running(runner: JobRunner, job: Job) -> None:
    deadline = time.monotonic() + 90
    while runner.store.get(job.id).state == "queued":
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_cancelling_a_library_that_does_not_return(runner: JobRunner) -> None:
    job = asked(runner, "endless.onnx", slow())
    until_running(runner, job)
    time.sleep(1)
    runner.cancel(job.id)
    began = time.monotonic()
    behind = asked(runner, "behind.pt2", program(value=2.0))
    assert over(runner, job).state == "cancelled"
    assert time.monotonic() - began < 30
    assert over(runner, behind).state == "finished"


# Only in the workers that are there now; SIGSEGV, as a damaged file may cause in a library.
KILLER = """
work = __import__("qcore.jobs.kinds", fromlist=["WORK"]).WORK
system, time = __import__("os"), __import__("time")
work["prepare"] = lambda *_, s=system, t=time: (t.sleep(2), s.kill(s.getpid(), 11))
"""


def test_a_file_that_kills_its_worker_fails_alone_and_once(runner: JobRunner) -> None:
    runner._client.result().run(exec, KILLER)
    killer = asked(runner, "killer.pt2", program(value=3.0))
    until_running(runner, killer)
    behind = [asked(runner, f"{n}.pt2", program(value=4.0 + n)) for n in range(2)]
    assert [over(runner, job).state for job in behind] == ["finished", "finished"]
    ended = over(runner, killer)
    assert ended.state == "failed"
    assert "\n" not in ended.message
