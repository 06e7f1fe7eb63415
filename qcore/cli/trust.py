"""The trust check from the command line: answered from the store, or here and now."""

from __future__ import annotations

import argparse
from typing import Any

from qcore.cli.answered import Listener, answered
from qcore.cli.files import read_table
from qcore.cli.measured_on import measured_on
from qcore.cli.show import show_table
from qcore.errors import BadInput
from qcore.jobs.kept_trust import trust_check_of, trust_question
from qcore.jobs.questions import SensitivityQuestion
from qcore.measure.trust_words import check_lines
from qcore.measure.trusted import TrustCheck
from qcore.sensitivity.table import SensitivityTable
from qcore.store.job import Job
from qcore.store.store import Store


def ask_trust(arguments: argparse.Namespace, listener: Listener) -> dict[str, Any]:
    """Measure random configurations for the table that is named, print, and return the JSON.

    The same check asked in the browser is the same job. Raises BadInput.
    """
    table = read_table(arguments.table)
    if not table.covered:
        raise BadInput(
            f"the table has {len(table.rows)} of {table.cells} cells; finish it with: "
            "python -m qcore sensitivity"
        )
    measured_on(table)
    asked = SensitivityQuestion(
        table.network.name,
        table.network.fingerprint,
        table.data,
        table.data_fingerprint,
        table.config,
    )
    store = Store()
    try:
        job = answered(store, trust_question(asked, arguments.count, arguments.seed), listener)
        check = trust_check_of(store, job, table)
    finally:
        store.close()
    _print(check, table, job)
    return {
        "model": {"name": table.network.name, "fingerprint": table.network.fingerprint},
        "data": {**table.data.to_json(), "fingerprint": table.data_fingerprint},
        "config": table.config.to_json(),
        "layers": [layer.name for layer in table.network.layers],
        **check.to_json(),
        "timing": {"seconds": job.seconds},
    }


def _print(check: TrustCheck, table: SensitivityTable, job: Job) -> None:
    quantity = table.config.quantity_in_unit()
    rows = [
        (
            f"{p.average_bits:.2f}",
            f"{p.measured:+.4e}",
            "" if p.ci_low is None else f"{p.ci_low:+.2e} to {p.ci_high:+.2e}",
            f"{p.additive:+.4e}",
            *(() if p.interacting is None else (f"{p.interacting:+.4e}",)),
        )
        for p in sorted(check.points, key=lambda point: point.average_bits)
    ]
    names = ("sum of rows", "with interactions")[: len(rows[0]) - 3]
    show_table(("average bits", "measured ΔL", "95 % interval", *names), rows)
    print()
    for line in check_lines(check):
        print(line)
    print(
        f"{len(rows)} random configurations on the {table.config.images:,} images of the table, "
        f"predictions: {quantity}; {job.seconds:.1f} s"
    )
