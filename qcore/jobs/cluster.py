"""The embedded cluster: a scheduler and two workers, each a process of its own.

``LocalCluster(processes=True)`` cannot be used: its children import the main script again, which
under ``streamlit run`` is the app itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from qcore.memory import wait_without_spinning
from qcore.store.home import home

_PRELOAD = "qcore.jobs.worker_process"
_FOREVER = "1000 days"
_ALLOWED_FAILURES = "20"  # finite: a worker that cannot even begin a job must not be restarted on


def local_cluster() -> Any:
    """Start it on the loopback address; closing it ends its processes.

    Each worker takes one job at a time: ``short`` ones (opening a network, measuring an allocation)
    and ``long`` ones (sensitivity) do not wait for each other. A nanny restarts a worker that dies,
    and the scheduler gives its job to the new one.
    """
    import dask
    from distributed.deploy.spec import SpecCluster
    from distributed.deploy.subprocess import SubprocessScheduler, SubprocessWorker

    wait_without_spinning()  # read by OpenMP when the workers start
    _set_environment_of_children()
    common = {
        "host": "127.0.0.1",
        "nthreads": 1,
        "memory_limit": 0,
        "dashboard": False,
        "silence_logs": 30,
        "preload": [_PRELOAD],
        "preload_nanny": [_PRELOAD],
        "local_directory": str(home() / "workers"),
    }
    workers = {
        slot: {
            "cls": SubprocessWorker,
            "options": {"worker_kwargs": {**common, "name": slot, "resources": {slot: 1}}},
        }
        for slot in ("short", "long")
    }
    scheduler = {
        "cls": SubprocessScheduler,
        "options": {
            "scheduler_kwargs": {"host": "127.0.0.1", "dashboard": False, "preload": [_PRELOAD]}
        },
    }
    # After 15 s without a worker its nanny would be closed too, and nobody would start another:
    # a busy machine takes longer than that to restart one.
    dask.config.set({"distributed.deploy.lost-worker-timeout": _FOREVER})
    return SpecCluster(workers=workers, scheduler=scheduler, silence_logs=30)


def _set_environment_of_children() -> None:
    """Let them find qcore from any working directory, and log no more than warnings.

    A worker that dies counts as a failure of every job assigned to it, also of those that wait
    behind the one that ended it; which job is to blame, and when to give it up, the store knows.
    """
    root = str(Path(__file__).resolve().parents[2])
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if root not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([root, *paths])
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "warning")
    os.environ.setdefault("DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES", _ALLOWED_FAILURES)
