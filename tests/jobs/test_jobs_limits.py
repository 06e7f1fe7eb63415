"""A file that somebody brought gets so much memory and time, and no more."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from qcore.errors import BadInput
from qcore.jobs.limits import limited, load_bytes, load_seconds

ROOT = Path(__file__).resolve().parents[2]
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux only")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A program of its own: the limits hold for a whole process."""
    head = "import resource\nfrom qcore.errors import BadInput\nfrom qcore.jobs.limits import *\n"
    return subprocess.run(
        [sys.executable, "-c", head + code],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


MEMORY = """
{before}
first = resource.getrlimit(resource.RLIMIT_DATA)
try:
    with limited(print):
        inside = resource.getrlimit(resource.RLIMIT_DATA)[0]
        {allocate}
except BadInput as error:
    print(error)
print(0 < inside < 10**10, resource.getrlimit(resource.RLIMIT_DATA) == first)
{again}
"""


@linux
@pytest.mark.parametrize(
    ("before", "allocate"),
    [
        ("", "bytearray(3 * 10**9)"),
        ("import numpy as np", "np.ones(3 * 10**9, np.uint8)"),
        ("import torch", "torch.ones(3 * 10**9, dtype=torch.uint8)"),
    ],
    ids=["python", "numpy", "torch"],
)
def test_memory_beyond_the_limit_is_bad_input_and_the_limit_goes(
    before: str, allocate: str
) -> None:
    code = MEMORY.format(before=before, allocate=allocate, again="print(len(bytes(2 * 10**9)))")
    done = run(code, BITDIAL_LOAD_GB="1")
    assert done.returncode == 0, done.stderr
    message, state, again = done.stdout.splitlines()
    assert "more than the 1 GB" in message
    assert "BITDIAL_LOAD_GB" in message
    assert state == "True True"
    assert again == "2000000000"


@linux
def test_memory_within_the_limit_is_given() -> None:
    code = MEMORY.format(before="", allocate="print(len(bytes(5 * 10**8)))", again="")
    done = run(code, BITDIAL_LOAD_GB="1")
    assert done.stdout.split() == ["500000000", "True", "True"], done.stderr


@linux
def test_a_lower_limit_of_the_user_s_own_stays() -> None:
    code = """
own = 3 * 10**9
resource.setrlimit(resource.RLIMIT_DATA, (own, resource.RLIM_INFINITY))
with limited(print):
    print(resource.getrlimit(resource.RLIMIT_DATA)[0] == own)
print(resource.getrlimit(resource.RLIMIT_DATA)[0] == own)
"""
    done = run(code, BITDIAL_LOAD_GB="100")
    assert done.stdout.split() == ["True", "True"], done.stderr


TIME = """
import time
def told(message):
    print(message, flush=True)
    {then}
with limited(told):
    time.sleep(60)
print("went on")
"""


@pytest.mark.parametrize("then", ["pass", "raise OSError('the store is gone')"])
def test_time_beyond_the_limit_is_told_and_ends_the_process(then: str) -> None:
    done = run(TIME.format(then=then), BITDIAL_LOAD_SECONDS="1")
    assert done.returncode == 1
    (message,) = done.stdout.splitlines()
    assert message.startswith("this took longer than 1 s")
    assert "BITDIAL_LOAD_SECONDS" in message


def test_a_process_that_was_in_time_lives_on() -> None:
    code = "import time\nwith limited(print): pass\ntime.sleep(1.5)\nprint('alive')"
    done = run(code, BITDIAL_LOAD_SECONDS="1")
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr


def test_work_that_moves_gets_its_time_anew() -> None:
    code = """
import time
with limited(print) as moved:
    for _ in range(5):
        time.sleep(0.4)
        moved()
    print("moved", flush=True)
    time.sleep(60)
"""
    done = run(code, BITDIAL_LOAD_SECONDS="1")
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("moved\nthis took longer than 1 s")


CANCEL = """
import time
began = time.monotonic()
def busy():
    raise OSError("the store is locked")
asked = iter([busy])
def cancelled():
    return next(asked, lambda: True)()
def told():
    print("cancelled", round(time.monotonic() - began), flush=True)
with limited(print, cancelled, told):
    {work}
print("stopped by itself")
"""


@pytest.mark.parametrize(
    ("work", "code"), [("time.sleep(60)", 1), ("time.sleep(2.5)", 0)], ids=["hangs", "stops"]
)
def test_cancelling_ends_a_process_that_does_not_stop(work: str, code: int) -> None:
    done = run(CANCEL.format(work=work))
    assert done.returncode == code, done.stderr
    assert done.stdout in (["stopped by itself\n"], ["cancelled 4\n", "cancelled 5\n"])[code]


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (MemoryError(), BadInput),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), BadInput),
        (RuntimeError("std::bad_alloc"), BadInput),
        (RuntimeError("shapes do not match"), RuntimeError),
        (BadInput("no such file"), BadInput),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (OSError("x"), OSError),
    ],
    ids=repr,
)
def test_what_is_raised_inside(raised: BaseException, seen: type[BaseException]) -> None:
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(seen) as caught, limited(lambda message: None):
        raise raised
    assert ("BITDIAL_LOAD_GB" in str(caught.value)) is (seen is BadInput is not type(raised))
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize("name", ["BITDIAL_LOAD_SECONDS", "BITDIAL_LOAD_GB"])
@pytest.mark.parametrize("value", ["", "0", "-1", "1.5", "ten", " 3", "9" * 7, "9" * 5000])
def test_settings_that_are_no_numbers(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with pytest.raises(BadInput) as caught, limited(lambda message: None):
        pass
    assert name in str(caught.value)
    assert len(str(caught.value)) < 200
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BITDIAL_LOAD_SECONDS", raising=False)
    monkeypatch.delenv("BITDIAL_LOAD_GB", raising=False)
    assert (load_seconds(), load_bytes()) == (600, 8 * 10**9)
    monkeypatch.setenv("BITDIAL_LOAD_SECONDS", "1000000")
    monkeypatch.setenv("BITDIAL_LOAD_GB", "1000000")
    with limited(lambda message: None):
        assert (load_seconds(), load_bytes()) == (10**6, 10**15)
