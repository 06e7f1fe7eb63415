"""The embedded cluster: real processes, killed and cancelled in the middle of their work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dask
import psutil
import pytest
from dask.utils import parse_timedelta
from jobs_common import MODEL, PREPARE, SOURCE, sensitivity_question, until, written_at

from qcore.data.load import load_data
from qcore.graph.load import load_network
from qcore.jobs.questions import SensitivityQuestion, to_json
from qcore.jobs.runner import JobRunner
from qcore.sensitivity.exact import measure_exact
from qcore.store.job import Job
from qcore.store.store import Store

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobRunner]:
    """One cluster for this file, its processes started from a folder without qcore in it."""
    home = tmp_path_factory.mktemp("cluster")
    before = set(psutil.Process().children(recursive=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BITDIAL_HOME", str(home / "home"))
        patch.delenv("PYTHONPATH", raising=False)
        patch.delenv("BITDIAL_SCHEDULER", raising=False)
        patch.chdir(home)
        store = Store()
        started = JobRunner(store)
        started.wait_until_ready()
        mine = set(psutil.Process().children(recursive=True)) - before
        yield started
        mine |= set(psutil.Process().children(recursive=True)) - before
        started.close()
        store.close()
        assert len(mine) >= 5  # a scheduler, two workers and their nannies
        until(lambda: not any(child.is_running() for child in mine), 30)


def test_the_scheduler_bears_with_jobs_that_wait_behind_a_killer(runner: JobRunner) -> None:
    client = runner._client.result()
    allowed = client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.allowed_failures)
    assert allowed == 20


def test_a_slow_restart_of_a_worker_does_not_cost_its_nanny(runner: JobRunner) -> None:
    """After this time without a worker dask closes the nanny that would have started it."""
    patience = dask.config.get("distributed.deploy.lost-worker-timeout")
    assert parse_timedelta(patience) > 24 * 3600


def test_temporary_files_of_workers_lie_where_they_can_be_swept(runner: JobRunner) -> None:
    found = runner._client.result().run(
        eval, "(__import__('tempfile').gettempdir(), __import__('os').getpid())"
    )
    for folder, process in found.values():
        assert folder.endswith(f"-{process}")
        assert Path(folder).parent.parts[-3:] == ("home", "workers", "tmp")


PIECES = 11 * 6 * 4  # layers, bit widths, chunks


def question(seed: int) -> SensitivityQuestion:
    """A few seconds of work; another seed, another job."""
    return sensitivity_question((2, 3, 4, 5, 6, 8), 1000, seed)


def long_question(seed: int) -> SensitivityQuestion:
    """Work that a test does not wait for."""
    return sensitivity_question(tuple(range(2, 17)), 1000, seed)


def end(runner: JobRunner, job: Job) -> Job:
    until(lambda: not runner.store.get(job.id).active, 120)
    return runner.store.get(job.id)


def busiest_child() -> psutil.Process:
    """The process that does the work: it has used by far the most processor time lately."""
    children = psutil.Process().children(recursive=True)
    before = {child: sum(child.cpu_times()[:2]) for child in children}

    def gain(child: psutil.Process) -> float:
        return sum(child.cpu_times()[:2]) - before[child]

    until(lambda: max(map(gain, children)) > 0.1)
    return max(children, key=gain)


def test_killed_worker_loses_nothing(runner: JobRunner) -> None:
    asked = question(seed=1)
    job = runner.submit(asked)
    until(lambda: len(written_at(runner.store, job.id)) >= 20, 120)
    victim = busiest_child()
    victim.send_signal(signal.SIGKILL)
    until(lambda: not victim.is_running())
    before = written_at(runner.store, job.id)
    assert runner.store.get(job.id).state == "running"
    assert 20 <= len(before) < PIECES
    over = end(runner, job)
    assert over.state == "finished"
    after = written_at(runner.store, job.id)
    assert len(after) == PIECES
    assert before.items() <= after.items()
    network = load_network(MODEL)
    data = load_data(SOURCE, network, "calibration")
    found = {(p.layer, p.bits, p.chunk): p for p in runner.store.pieces(job.id)}
    for piece in measure_exact(network, data, asked.config).pieces:
        other = found[piece.layer, piece.bits, piece.chunk]
        assert other.samples == piece.samples
        # The worker has as many threads as the machine has cores, this process two.
        assert other.total == pytest.approx(piece.total, rel=1e-4, abs=1e-5)
        assert other.total_squares == pytest.approx(piece.total_squares, rel=1e-4, abs=1e-5)


def test_cancel_stops_and_asking_again_goes_on(runner: JobRunner) -> None:
    asked = question(seed=2)
    job = runner.submit(asked)
    until(lambda: len(written_at(runner.store, job.id)) >= 20, 120)
    runner.cancel(job.id)
    stopped = end(runner, job)
    assert stopped.state == "cancelled"
    before = written_at(runner.store, job.id)
    assert 20 <= len(before) < PIECES
    again = runner.submit(asked)
    assert (again.id, again.state) == (job.id, "queued")
    assert end(runner, job).state == "finished"
    after = written_at(runner.store, job.id)
    assert len(after) == PIECES
    assert before.items() <= after.items()
    assert runner.submit(asked).state == "finished"  # answered from the store


def test_short_work_does_not_wait_for_long_work(runner: JobRunner) -> None:
    long = runner.submit(long_question(seed=3))
    until(lambda: runner.store.get(long.id).state == "running", 120)
    short = end(runner, runner.submit(PREPARE))
    assert short.state == "finished"
    assert runner.store.get(long.id).state == "running"
    behind = runner.submit(long_question(seed=4))
    runner.cancel(behind.id)
    assert runner.store.get(behind.id).state == "cancelled"
    runner.cancel(long.id)
    assert end(runner, long).state == "cancelled"
    assert runner.store.get(behind.id).state == "cancelled"
    assert runner.store.pieces(behind.id) == []


APP = """
import json, sys
from qcore.jobs.questions import SensitivityQuestion
from qcore.jobs.runner import JobRunner
from qcore.store.store import Store
store = Store()
runner = JobRunner(store)
runner.wait_until_ready()
print(runner.submit(SensitivityQuestion.from_json(json.loads(sys.argv[1]))).id, flush=True)
sys.stdin.read()
"""


def test_killed_app_leaves_no_process_behind_and_its_job_can_go_on() -> None:
    asked = long_question(seed=5)
    command = [sys.executable, "-c", APP, json.dumps(to_json(asked))]
    app = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    job_id = app.stdout.readline().strip()
    store = Store()
    until(lambda: len(written_at(store, job_id)) >= 5, 120)
    assert store.get(job_id).state == "running"
    children = psutil.Process(app.pid).children(recursive=True)
    assert len(children) >= 5
    os.kill(app.pid, signal.SIGKILL)
    app.communicate()
    until(lambda: not any(child.is_running() for child in children), 30)
    assert store.get(job_id).state == "running"  # nobody was left to say otherwise
    assert len(written_at(store, job_id)) < 11 * 15 * 4
    assert store.get(job_id).lost(now=store.get(job_id).beat_at + 60)
    store.close()
