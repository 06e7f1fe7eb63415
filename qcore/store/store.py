"""Read and write jobs and their results. Safe to use from several processes at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from qcore.errors import BadInput
from qcore.sensitivity.pieces import Piece
from qcore.store.database import open_database
from qcore.store.home import database_url
from qcore.store.job import Job, State, job_id
from qcore.store.schema import arrays, attempts, jobs, pieces


class Store:
    """One database. Every method is one short transaction."""

    def __init__(self, url: str | None = None) -> None:
        self.url = url or database_url()
        self._engine = open_database(self.url)

    def close(self) -> None:
        self._engine.dispose()

    def ask(self, kind: str, question: Mapping[str, Any]) -> tuple[Job, bool]:
        """The job that answers a question, and whether it has to be started.

        A new question, and one whose job was cancelled, failed or lost its worker, is queued and
        must be started; an active or finished one is returned as it is. What earlier attempts wrote
        is kept. Raises BadInput where another question has the same id.
        """
        key = job_id(kind, question)
        job = self.job(key)
        if job is not None and not _answers(job, kind, question):
            raise BadInput(f"job {key} answers another question; use another BITDIAL_HOME")
        if job is None:
            start = self._insert(key, kind, question)
        else:
            over = job.state in ("cancelled", "failed") or job.lost()
            start = over and self._queue_again(job)
        return self.get(key), start

    def _insert(self, key: str, kind: str, question: Mapping[str, Any]) -> bool:
        """False where somebody else was first."""
        row = {"id": key, "kind": kind, "question": dict(question), "state": "queued"}
        return self._insert_row(sa.insert(jobs).values(**row, asked_at=time.time()))

    def _queue_again(self, job: Job) -> bool:
        """False where somebody else was first: then the job is not as it was read any more."""
        fresh = {"state": "queued", "message": "", "cancel_requested": False}
        times = {"asked_at": time.time(), "beat_at": None, "attempt_at": None}
        as_read = sa.and_(
            jobs.c.id == job.id, jobs.c.state == job.state, jobs.c.asked_at == job.asked_at
        )
        with self._engine.begin() as connection:
            update = sa.update(jobs).where(as_read).values(**fresh, **times)
            if first := connection.execute(update).rowcount == 1:
                connection.execute(sa.delete(attempts).where(attempts.c.job_id == job.id))
        return first

    def job(self, key: str) -> Job | None:
        """The job of that id, None where there is none."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == key)).one_or_none()
        return None if row is None else _job(row)

    def get(self, key: str) -> Job:
        """The job of that id; KeyError where there is none."""
        job = self.job(key)
        if job is None:
            raise KeyError(key)
        return job

    def find(self, kind: str, question: Mapping[str, Any]) -> Job | None:
        """The job of a question if it was ever asked."""
        job = self.job(job_id(kind, question))
        return job if job and _answers(job, kind, question) else None

    def active_jobs(self) -> list[Job]:
        """All queued and running jobs, oldest first."""
        active = sa.select(jobs).where(jobs.c.state.in_(("queued", "running")))
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(active.order_by(jobs.c.asked_at))]

    def jobs(self, kind: str) -> list[Job]:
        """All jobs of one kind, newest first, with ``result`` None: pages list them often."""
        columns = [column for column in jobs.c if column is not jobs.c.result]
        query = sa.select(*columns).where(jobs.c.kind == kind).order_by(jobs.c.asked_at.desc())
        with self._engine.connect() as connection:
            return [Job(**row._mapping, result=None) for row in connection.execute(query)]

    def jobs_of(self, kind: str, model_fingerprint: str) -> list[Job]:
        """All jobs of one kind about one network with their results, newest first."""
        about = jobs.c.question["model_fingerprint"].as_string() == model_fingerprint
        query = sa.select(jobs).where(jobs.c.kind == kind, about)
        with self._engine.connect() as connection:
            return [_job(row) for row in connection.execute(query.order_by(jobs.c.asked_at.desc()))]

    def begin(self, key: str) -> None:
        """An attempt starts now, from where earlier ones came."""
        now = time.time()
        values = {"state": "running", "attempt_at": now, "beat_at": now}
        self._update(key, **values, attempt_fraction=jobs.c.fraction)
        row = {"job_id": key, "begun_at": now, "pieces": _pieces_of(key)}
        self._insert_row(sa.insert(attempts).values(**row))

    def attempts_in_vain(self, key: str) -> int:
        """Attempts begun since the job was asked after which no piece was written."""
        query = sa.select(sa.func.count(attempts.c.number)).where(attempts.c.job_id == key)
        with self._engine.connect() as connection:
            return connection.execute(
                query.where(attempts.c.pieces == _pieces_of(key))
            ).scalar_one()

    def beat(self, key: str, fraction: float, message: str) -> None:
        """The job is alive and has come this far."""
        self._update(key, fraction=fraction, message=message, beat_at=time.time())

    def still_there(self, key: str, state: State) -> None:
        """Somebody is there for the job, as long as it is in that state."""
        with self._engine.begin() as connection:
            same = sa.and_(jobs.c.id == key, jobs.c.state == state)
            connection.execute(sa.update(jobs).where(same).values(beat_at=time.time()))

    def end(
        self,
        key: str,
        state: State,
        seconds: float,
        message: str = "",
        result: Mapping[str, Any] | None = None,
    ) -> None:
        """The attempt is over; its ``seconds`` are added to the job's."""
        done = {"fraction": 1.0, "result": dict(result or {})} if state == "finished" else {}
        self._update(key, state=state, message=message, seconds=jobs.c.seconds + seconds, **done)

    def request_cancel(self, key: str) -> None:
        """Ask the worker to stop at the next piece; a job not yet begun is cancelled at once."""
        self._update(key, cancel_requested=True)
        with self._engine.begin() as connection:
            waiting = sa.and_(jobs.c.id == key, jobs.c.state == "queued")
            connection.execute(sa.update(jobs).where(waiting).values(state="cancelled"))

    def cancel_requested(self, key: str) -> bool:
        with self._engine.connect() as connection:
            query = sa.select(jobs.c.cancel_requested).where(jobs.c.id == key)
            return bool(connection.execute(query).scalar())

    def forget(self, key: str) -> None:
        """Remove a job and all that it wrote."""
        with self._engine.begin() as connection:
            for table in (pieces, arrays, attempts):
                connection.execute(sa.delete(table).where(table.c.job_id == key))
            connection.execute(sa.delete(jobs).where(jobs.c.id == key))

    def add_piece(self, key: str, piece: Piece) -> None:
        """Write one finished piece; a piece that is there already stays as it is."""
        row = {name: getattr(piece, name) for name in Piece.__dataclass_fields__}
        row["activation_bits"] = piece.activation_bits or 0
        # Where it is there already two attempts overlapped: both computed the same numbers.
        self._insert_row(sa.insert(pieces).values(job_id=key, written_at=time.time(), **row))

    def pieces(self, key: str) -> list[Piece]:
        """All finished pieces of a sensitivity job."""
        columns: Iterable[Any] = (pieces.c[name] for name in Piece.__dataclass_fields__)
        query = sa.select(*columns).where(pieces.c.job_id == key)
        with self._engine.connect() as connection:
            rows = [row._mapping for row in connection.execute(query)]
        return [Piece(**{**row, "activation_bits": row["activation_bits"] or None}) for row in rows]

    def put_arrays(self, key: str, found: Mapping[str, bytes]) -> None:
        """Write, all or none, what a job keeps under those names, instead of what was there."""
        with self._engine.begin() as connection:
            same = sa.and_(arrays.c.job_id == key, arrays.c.name.in_(list(found)))
            connection.execute(sa.delete(arrays).where(same))
            rows = [{"job_id": key, "name": name, "data": data} for name, data in found.items()]
            connection.execute(sa.insert(arrays), rows)

    def arrays(self, key: str, prefix: str = "") -> dict[str, bytes]:
        """What a job keeps under names that begin so."""
        query = sa.select(arrays.c.name, arrays.c.data).where(arrays.c.job_id == key)
        query = query.where(arrays.c.name.startswith(prefix, autoescape=True))
        with self._engine.connect() as connection:
            return {row.name: row.data for row in connection.execute(query)}

    def _insert_row(self, insert: sa.Insert) -> bool:
        """False where there is a row of that key already."""
        with self._engine.begin() as connection:
            try:
                with connection.begin_nested():
                    connection.execute(insert)
            except sa.exc.IntegrityError:
                return False
        return True

    def _update(self, key: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.id == key).values(**values))


def _job(row: Any) -> Job:
    return Job(**row._mapping)


def _pieces_of(key: str) -> Any:
    """How much a job has finished: whatever kind of part it keeps."""
    counts = [
        sa.select(sa.func.count()).where(table.c.job_id == key).scalar_subquery()
        for table in (pieces, arrays)
    ]
    return counts[0] + counts[1]


def _answers(job: Job, kind: str, question: Mapping[str, Any]) -> bool:
    return job.kind == kind and job.question == json.loads(json.dumps(question))
