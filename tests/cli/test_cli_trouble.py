"""Trouble that is not in the arguments: the store, another process, Ctrl-C."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from cli_common import SENSITIVITY, problem

from qcore.cli.main import main
from qcore.store.store import Store

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("home", ["a file", "no database"])
def test_store_that_cannot_be_used(
    home: str, capsys: pytest.CaptureFixture[str], store_home: Path
) -> None:
    if home == "a file":
        store_home.write_text("x")
    else:
        store_home.mkdir()
        (store_home / "bitdial.sqlite").write_bytes(b"no database" * 100)
    assert "BITDIAL_HOME" in problem(capsys, SENSITIVITY.split())


def test_question_that_another_process_answers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(SENSITIVITY.split()) == 0
    capsys.readouterr()
    store = Store()
    engine = store._engine
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET state = 'running', beat_at = 9e99")
    store.close()
    assert "another process" in problem(capsys, SENSITIVITY.split())


def test_interrupt_says_that_the_same_command_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("qcore.data.dataset.Dataset.batch", interrupt)
        assert main(SENSITIVITY.split()) == 130
    assert "goes on" in capsys.readouterr().err
    assert main(SENSITIVITY.split()) == 0


@pytest.mark.parametrize(
    "arguments",
    [["describe", "torchvision:none"], [*SENSITIVITY.split(), "--bits", "1"]],
    ids=["network", "bits"],
)
def test_as_a_program(arguments: list[str]) -> None:
    """No library adds a line of its own, and nothing is traced."""
    command = [sys.executable, "-m", "qcore", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
