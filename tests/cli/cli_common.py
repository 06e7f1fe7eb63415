"""A command that takes a moment, and the one line of one that fails."""

from __future__ import annotations

import pytest

from qcore.cli.main import main

MODEL = "sample:fashion-cnn"
SENSITIVITY = f"sensitivity {MODEL} {MODEL} --limit 5 --bits 8"


def problem(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """The one line of a command that fails."""
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    return line
