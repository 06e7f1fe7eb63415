"""Run the benchmarks (or those named) and print one table: ``python -m benchmarks [NAME ...]``."""

from __future__ import annotations

import os
import platform
import sys
import tempfile

from benchmarks.agent_curves import bench_agent_curves
from benchmarks.agents import bench_agents
from benchmarks.allocated import bench_allocated
from benchmarks.allocation import bench_allocation
from benchmarks.calibration import bench_calibration
from benchmarks.exact import bench_fashion
from benchmarks.hardware import bench_hardware
from benchmarks.measures import bench_measures
from benchmarks.pages import bench_pages

BENCHMARKS = {
    "pages": bench_pages,
    "fashion": bench_fashion,
    "measures": bench_measures,
    "allocation": bench_allocation,
    "allocated": bench_allocated,
    "calibration": bench_calibration,
    "hardware": bench_hardware,
    "agents": bench_agents,
}
LONG = {"agent-curves": bench_agent_curves}
"""Only where they are named."""


def machine() -> str:
    """Cores, memory and device, for the record."""
    import torch

    gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{os.cpu_count()} cores, {gigabytes:.0f} GiB, {device}; "
        f"Python {platform.python_version()}, torch {torch.__version__}"
    )


def main() -> int:
    """Print a line per figure as soon as it is measured."""
    names = sys.argv[1:] or list(BENCHMARKS)
    known = BENCHMARKS | LONG
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"no benchmark is called {unknown[0]!r}; there are: {', '.join(known)}")
        return 2
    print(machine())
    print(f"{'figure':74}{'measured':>10}  beside it")
    for name in names:
        with tempfile.TemporaryDirectory() as home:
            os.environ["BITDIAL_HOME"] = home
            for figure in known[name]():
                print(f"{figure.what:74}{figure.value:>10}  {figure.beside}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
