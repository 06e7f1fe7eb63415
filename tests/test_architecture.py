"""The engine knows nothing of the browser, and pages do without torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

ROOT = Path(__file__).resolve().parents[1]
ENGINE = sorted((ROOT / "qcore").rglob("*.py"))
LAYERS = {"streamlit", "plotly", "ui", "pages", "app"}
HEAVY = {"torch", "streamlit", "onnxruntime"}
LIGHT = (
    "qcore.store.store",
    "qcore.jobs.runner",
    "qcore.jobs.answers",
    "qcore.prepare.prepared",
    "qcore.allocate",
    "qcore.allocate.budget",
    "qcore.allocate.curve",
    "qcore.allocate.bits",
    "qcore.allocate.chosen",
    "qcore.allocate.explain",
    "qcore.allocate.flips",
    "qcore.allocate.interval",
    "qcore.allocate.kernels",
    "qcore.allocate.pin_cost",
    "qcore.allocate.resample",
    "qcore.allocate.solve",
    "qcore.hardware",
    "qcore.hardware.validation",
    "qcore.allocate.across",
    "qcore.latency.hardware",
    "qcore.latency.measurement",
    "qcore.store.latencies",
    "qcore.store.own_hardware",
    "qcore.store.find_hardware",
    "qcore.cli.parser",
    "qcore.agents.config",
    "qcore.agents.episode",
    "qcore.agents.references",
    "qcore.agents.setting",
    "qcore.jobs.kept_search",
    "qcore.jobs.search_setting_of",
    "qcore.measure.evaluation",
    "qcore.measure.trust_words",
    "qcore.jobs.kept_trust",
    "qcore.samples",
    "qcore.calibrate",
    "qcore.calibrate.calibration",
    "qcore.calibrate.summary",
    "qcore.store.clippings",
    "qcore.prepare.grids_file",
    "qcore.quantize.quantizer_texts",
    "qcore.prepare.statistics",
    "qcore.quantize.grid",
    "qcore.quantize.floats",
    "qcore.quantize.worked",
    "qcore.sensitivity.ranking",
    "qcore.sensitivity.compare",
)


def modules(source: str) -> set[str]:
    """Everything a source imports from, at whatever depth it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add(str(node.module))
    return found


def imported(source: str) -> set[str]:
    """The top-level names of these."""
    return {module.partition(".")[0] for module in modules(source)}


def test_the_walk_sees_imports_inside_functions() -> None:
    source = "def f():\n    if True:\n        import a.b as c\n        from d.e import g\n"
    assert imported(source) == {"a", "d"}


@pytest.mark.parametrize("path", ENGINE, ids=lambda path: str(path.relative_to(ROOT)))
def test_engine_imports_nothing_of_the_browser(path: Path) -> None:
    assert not imported(path.read_text(encoding="utf-8")) & LAYERS


def test_sensitivity_knows_nothing_of_what_is_made_of_it() -> None:
    later = {f"qcore.{name}" for name in ("allocate", "measure", "jobs", "cli")}
    for path in (ROOT / "qcore" / "sensitivity").rglob("*.py"):
        parts = {".".join(m.split(".")[:2]) for m in modules(path.read_text(encoding="utf-8"))}
        assert not parts & later, path


def test_the_engine_was_found() -> None:
    assert len(ENGINE) > 50


@pytest.mark.parametrize("module", LIGHT)
def test_importing_it_does_not_import_torch(module: str) -> None:
    code = f"import {module}, sys; print(*sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_every_kind_of_job_has_work_a_worker_and_a_title() -> None:
    from qcore.jobs.kinds import WORK
    from qcore.jobs.questions import Question
    from qcore.jobs.runner import _SLOT
    from ui.jobs import _TITLES

    kinds = {question.kind for question in get_args(Question)}
    assert kinds == set(WORK) == set(_SLOT) == set(_TITLES)
