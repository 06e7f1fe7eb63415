"""A table that several commands read."""

from __future__ import annotations

import pytest

from qcore.cli.main import main

MODEL = "sample:fashion-cnn"
MEASURE = ["--method", "projected", "--per-kernel", "--bits", "0,2,4,8", "--limit", "64"]


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The file of a projected table of the sample with rows of kernels."""
    folder = tmp_path_factory.mktemp("allocate")
    file = str(folder / "table.json")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BITDIAL_HOME", str(folder / "home"))
        assert main(["sensitivity", MODEL, MODEL, *MEASURE, "--json", file]) == 0
    return file
