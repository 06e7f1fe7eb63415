"""A search as its job keeps it: its episodes, what it is measured against, and where to go on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from qcore.agents.checkpoint import Checkpoint
from qcore.agents.episode import Episode
from qcore.agents.evaluator import Score
from qcore.agents.references import References
from qcore.store.store import Store

EPISODES = "search|episodes"
REFERENCES = "search|references"
CHECKPOINT = "search|checkpoint"
SCORE = "search|score|"


def pack_episodes(episodes: Sequence[Episode]) -> dict[str, bytes]:
    """The entry of all episodes so far, which takes the place of the one before."""
    return {EPISODES: json.dumps([episode.to_json() for episode in episodes]).encode()}


def pack_references(found: References) -> dict[str, bytes]:
    return {REFERENCES: json.dumps(found.to_json()).encode()}


def pack_checkpoint(found: Checkpoint) -> dict[str, bytes]:
    return {CHECKPOINT: found.to_bytes()}


def pack_score(choice: Sequence[int], score: Score) -> dict[str, bytes]:
    """One measured configuration under a name of its own."""
    text = json.dumps([list(choice), score.loss, score.accuracy])
    return {SCORE + hashlib.sha256(text.encode()).hexdigest()[:40]: text.encode()}


def known_scores(store: Store, job_id: str) -> dict[tuple[int, ...], Score]:
    """The configurations that a search has measured so far."""
    each = (json.loads(text) for text in store.arrays(job_id, SCORE).values())
    return {tuple(choice): Score(loss, accuracy) for choice, loss, accuracy in each}


def checkpoint_of(store: Store, job_id: str) -> Checkpoint | None:
    """Where an earlier attempt ended; None where it kept nothing."""
    found = store.arrays(job_id, CHECKPOINT).get(CHECKPOINT)
    return None if found is None else Checkpoint.from_bytes(found)


def episodes_of(store: Store, job_id: str) -> tuple[Episode, ...]:
    """All that a search has told so far, in order."""
    found = store.arrays(job_id, EPISODES).get(EPISODES, b"[]")
    return tuple(Episode.from_json(one) for one in json.loads(found))


def references_of(store: Store, job_id: str) -> References | None:
    """What a search is measured against; None before it has begun."""
    found = store.arrays(job_id, REFERENCES).get(REFERENCES)
    return None if found is None else References.from_json(json.loads(found))
