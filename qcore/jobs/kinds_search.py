"""The job of one agent: its episodes, kept as they come."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qcore.agents.checkpoint import Checkpoint
from qcore.agents.episode import Episode
from qcore.agents.evaluator import Evaluator
from qcore.agents.interactions import predicted_evaluator
from qcore.agents.references import references
from qcore.agents.setting import SearchSetting
from qcore.allocate.refused import refused
from qcore.jobs.inside import (
    Listener,
    calibration_of,
    data_of,
    means_of,
    measuring,
    network_of,
    stopped_is_cancelled,
)
from qcore.jobs.kept_search import (
    checkpoint_of,
    known_scores,
    pack_checkpoint,
    pack_episodes,
    pack_references,
    pack_score,
)
from qcore.jobs.reporter import Cancelled, Reporter
from qcore.jobs.search_question import SearchQuestion
from qcore.jobs.search_setting_of import setting_of
from qcore.store.store import Store

if TYPE_CHECKING:
    from qcore.agents.measured import MeasuredEvaluator
    from qcore.graph.network import Network

_WRITE_SECONDS = 0.5  # between two writings of episodes, which pages draw


def search(
    job_id: str, question: Mapping[str, Any], store: Store, reporter: Reporter
) -> Mapping[str, Any]:
    from qcore.agents.search import search as run_search

    asked = SearchQuestion.from_json(question)
    with stopped_is_cancelled(), measuring(job_id, store, reporter) as progress:
        progress(0.0, "making the problem")
        network = network_of(asked)
        setting = setting_of(store, asked, network.description)
        work = _Work(job_id, asked, store, progress, reporter)
        evaluator: Evaluator
        if asked.evaluator == "measured":
            evaluator = _measured(work, network, setting)
        else:
            evaluator = predicted_evaluator(setting, asked.evaluator)
        with refused(setting.table.config.quantity, setting.layers.offsets):
            lines = references(setting.task, evaluator)
            store.put_arrays(job_id, pack_references(lines))
            known = checkpoint_of(store, job_id)
            work.episodes += () if known is None else known.episodes
            try:
                run = run_search(
                    setting.task,
                    evaluator,
                    asked.settings,
                    episodes=asked.episodes,
                    seed=asked.seed,
                    known=known,
                    on_episode=work.tell,
                    on_checkpoint=work.keep,
                    should_stop=reporter.should_stop,
                )
            finally:  # a measurement that is stopped half way ends the search at once
                work.write()
    if not run.finished:
        raise Cancelled
    choice = None if run.allocation is None else list(run.allocation.choice)
    return {"choice": choice, "evaluations": run.evaluations, "seconds": run.seconds}


@dataclass
class _Work:
    """What is searched, and whom to tell: ``episodes`` are those so far."""

    job_id: str
    asked: SearchQuestion
    store: Store
    progress: Listener
    reporter: Reporter
    episodes: list[Episode] = field(default_factory=list)
    written_at: float = 0.0

    def tell(self, episode: Episode) -> None:
        """Show the episode, and write all of them a few times a second."""
        self.episodes.append(episode)
        if time.monotonic() - self.written_at >= _WRITE_SECONDS:
            self.write()
        self._show()

    def write(self) -> None:
        """Write all episodes so far."""
        self.store.put_arrays(self.job_id, pack_episodes(self.episodes))
        self.written_at = time.monotonic()

    def keep(self, found: Checkpoint) -> None:
        """Write where to go on from."""
        self.store.put_arrays(self.job_id, pack_checkpoint(found))

    def should_stop(self) -> bool:
        """An episode may take minutes: whether to stop is looked up within it."""
        self._show()
        return self.reporter.should_stop()

    def _show(self) -> None:
        done, wanted = len(self.episodes), self.asked.episodes
        # Whole only when the job ends: then progress is told whenever it comes.
        self.progress(min(done / wanted, 0.999), f"episode {done:,} of {wanted:,}")


def _measured(work: _Work, network: Network, setting: SearchSetting) -> MeasuredEvaluator:
    """Scores are kept as they come: a search that goes on does not measure them again."""
    from qcore.agents.measured import MeasuredEvaluator

    asked, store = work.asked, work.store
    source = (asked, asked.data, asked.data_fingerprint, work.progress, work.reporter.should_stop)
    known = known_scores(store, work.job_id)
    return MeasuredEvaluator(
        network,
        data_of(network, asked.data, asked.data_fingerprint, "calibration"),
        setting,
        images=asked.images,
        calibration=calibration_of(*source) if setting.rounds_inputs else None,
        means=means_of(*source) if setting.corrects_biases else None,
        inputs=asked.input_clipping,
        fine_tune_steps=asked.fine_tune_steps,
        seed=asked.seed,
        known=known,
        on_score=lambda choice, score: store.put_arrays(work.job_id, pack_score(choice, score)),
        should_stop=work.should_stop,
    )
