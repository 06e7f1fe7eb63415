"""A trust check as its job keeps it: one entry for each configuration and chunk of images."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace

from qcore.jobs.questions import SensitivityQuestion, TrustQuestion
from qcore.measure.trust_draw import COUNT, trust_configurations
from qcore.measure.trust_point import TrustPiece
from qcore.measure.trusted import TrustCheck, trust_check
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from qcore.store.store import Store

PIECE = "trust|"


def trust_question(asked: SensitivityQuestion, count: int = COUNT, seed: int = 0) -> TrustQuestion:
    """What is to be measured to check the table of ``asked``.

    How that table was found does not matter: all measures of one quantizer on the same images are
    checked against the same points.
    """
    config = replace(asked.config, method="exact", probes=None, tolerance=None, refine=None)
    return TrustQuestion(
        asked.model,
        asked.model_fingerprint,
        asked.data,
        asked.data_fingerprint,
        config,
        count,
        seed,
    )


def trust_check_of(store: Store, job: Job, table: SensitivityTable) -> TrustCheck:
    """The table's predictions beside what a trust job has measured so far.

    Raises ValueError where the table lacks a row that is needed.
    """
    asked = TrustQuestion.from_json(job.question)
    configurations = trust_configurations(table.network, asked.config, asked.count, asked.seed)
    return trust_check(table, configurations, pieces_in(store.arrays(job.id, PIECE)))


def pack_piece(piece: TrustPiece) -> dict[str, bytes]:
    """The entry of one piece under its name; names are in the order of chunks."""
    return {f"{PIECE}{piece.chunk:08d}|{piece.number:04d}": json.dumps(asdict(piece)).encode()}


def pieces_in(known: Mapping[str, bytes]) -> list[TrustPiece]:
    """The pieces that are kept."""
    return [TrustPiece(**json.loads(known[name])) for name in sorted(known)]
