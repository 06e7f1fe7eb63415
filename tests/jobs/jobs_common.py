"""Questions about the small sample, and polling with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from qcore.calibrate.clipping import Clipping
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.load import load_network
from qcore.jobs.questions import (
    EvaluateQuestion,
    PrepareQuestion,
    Question,
    SensitivityQuestion,
    to_json,
)
from qcore.sensitivity.config import SensitivityConfig
from qcore.store.job import Job
from qcore.store.schema import pieces
from qcore.store.store import Store

MODEL = "sample:fashion-cnn"
SOURCE = DataSource(MODEL)
PREPARE = PrepareQuestion(MODEL, "stamp")


def sensitivity_question(
    bits: tuple[int, ...] = (2, 8), images: int = 300, seed: int = 0
) -> SensitivityQuestion:
    network = load_network(MODEL)
    data = load_data(SOURCE, network, "calibration")
    config = SensitivityConfig(bits, "cross_entropy", images, seed)
    fingerprint = network.description.fingerprint
    return SensitivityQuestion(MODEL, fingerprint, SOURCE, data.fingerprint(), config)


def evaluate_question(bits: int | None = 4) -> EvaluateQuestion:
    network = load_network(MODEL)
    data = load_data(SOURCE, network, "evaluation")
    chosen = tuple((layer.name, bits, None) for layer in network.description.layers)
    fingerprint, held_out = network.description.fingerprint, data.fingerprint()
    return EvaluateQuestion(
        MODEL, fingerprint, SOURCE, held_out, chosen, "cross_entropy", Clipping(), None, None
    )


def ask(store: Store, question: Question) -> Job:
    return store.ask(question.kind, to_json(question))[0]


def until(condition: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The condition's first true value; AssertionError when the deadline passes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.05)
    raise AssertionError(f"not true within {seconds} s")


def written_at(store: Store, job_id: str) -> dict[tuple[str, int, int], float]:
    """When each piece of a job was written."""
    query = sa.select(pieces.c.layer, pieces.c.bits, pieces.c.chunk, pieces.c.written_at).where(
        pieces.c.job_id == job_id
    )
    engine = sa.create_engine(store.url)
    with engine.connect() as connection:
        rows = {(layer, bits, chunk): at for layer, bits, chunk, at in connection.execute(query)}
    engine.dispose()
    return rows
