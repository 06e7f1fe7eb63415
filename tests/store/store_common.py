"""A question, and jobs that have gone silent."""

from __future__ import annotations

import time

import sqlalchemy as sa

from qcore.store.schema import jobs
from qcore.store.store import Store

QUESTION = {"model": "m", "config": {"bits": [2, 4]}}


def silence(store: Store, key: str, seconds: float) -> None:
    """As if nobody had been heard of for that long."""
    then = time.time() - seconds
    engine = sa.create_engine(store.url)
    with engine.begin() as connection:
        values = {"asked_at": then, "beat_at": then}
        connection.execute(sa.update(jobs).where(jobs.c.id == key).values(**values))
    engine.dispose()
