"""The work of the trust check: whole configurations, measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qcore.jobs.inside import calibration_if_needed, loaded, measuring, stopped_is_cancelled
from qcore.jobs.kept_trust import PIECE, pack_piece, pieces_in
from qcore.jobs.questions import TrustQuestion
from qcore.jobs.reporter import Reporter
from qcore.measure.trust_draw import trust_configurations
from qcore.store.store import Store


def trust(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.measure.trust import measure_trust

    asked = TrustQuestion.from_json(question)
    with stopped_is_cancelled(), measuring(job_id, store, reporter) as progress:
        network, data = loaded(asked, "calibration")
        calibration = calibration_if_needed(asked.config, asked, progress, reporter.should_stop)
        measure_trust(
            network,
            data,
            asked.config,
            trust_configurations(network.description, asked.config, asked.count, asked.seed),
            calibration=calibration,
            done={piece.key for piece in pieces_in(store.arrays(job_id, PIECE))},
            on_piece=lambda piece: store.put_arrays(job_id, pack_piece(piece)),
            on_progress=progress,
            should_stop=reporter.should_stop,
        )
    return {}
