"""Lists of jobs for pages, and ids that two questions share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from store_common import QUESTION

from qcore.errors import BadInput
from qcore.store import store as store_module
from qcore.store.job import job_id
from qcore.store.store import Store


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store()
    yield opened
    opened.close()


def test_an_id_is_too_long_to_be_met_twice() -> None:
    assert len(job_id("kind", QUESTION)) == 32


def test_another_question_of_the_same_id_is_not_answered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "job_id", lambda kind, question: "0" * 32)
    job, _ = store.ask("prepare", {"model": "one"})
    store.end(job.id, "finished", 1.0, result={"who": "one"})
    assert store.find("prepare", {"model": "one"}) is not None
    for kind, model in (("prepare", "two"), ("data", "one")):
        assert store.find(kind, {"model": model}) is None
        with pytest.raises(BadInput, match="answers another question"):
            store.ask(kind, {"model": model})
    assert store.get(job.id).result == {"who": "one"}


def test_a_question_with_tuples_is_the_one_that_was_stored(store: Store) -> None:
    job, _ = store.ask("evaluate", {"bits": (("a", 4), ("b", None))})
    assert store.find("evaluate", {"bits": (("a", 4), ("b", None))}) == job
    assert not store.ask("evaluate", {"bits": [["a", 4], ["b", None]]})[1]


def asked(store: Store, kind: str, fingerprint: str, number: int) -> str:
    job, _ = store.ask(kind, {"model_fingerprint": fingerprint, "number": number})
    store.end(job.id, "finished", 1.0, result={"number": number})
    return job.id


def test_lists_are_filtered_by_the_database_and_newest_first(store: Store) -> None:
    mine = [asked(store, "data", "f'1", number) for number in range(3)]
    asked(store, "data", "f2", 0)
    asked(store, "evaluate", "f'1", 0)
    store.ask("data", {"model": "without a fingerprint"})
    seen: list[str] = []
    sa.event.listen(store._engine, "before_cursor_execute", lambda *values: seen.append(values[2]))
    jobs = store.jobs_of("data", "f'1")
    assert [job.id for job in jobs] == mine[::-1]
    assert [job.result for job in jobs] == [{"number": number} for number in (2, 1, 0)]
    assert store.jobs_of("data", "f") == []
    listed = store.jobs("data")
    assert len(listed) == 5
    assert [job.result for job in listed] == [None] * 5
    assert "result" not in seen[-1]
    assert listed[1].question == {"model_fingerprint": "f2", "number": 0}
