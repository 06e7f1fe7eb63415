"""Random search: what any agent has to beat with the same number of evaluations."""

from __future__ import annotations

import numpy as np

from qcore.agents.checkpoint import AgentState
from qcore.agents.evaluator import Evaluator
from qcore.agents.outcome import Outcome, settle
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.recorder import Recorder
from qcore.agents.task import SearchTask
from qcore.allocate.baselines import drawn_mixture


def run_random(
    task: SearchTask, evaluator: Evaluator, config: RandomConfig, recorder: Recorder, seed: int
) -> None:
    """Draw configurations, and enforce the budgets as agents do; an episode has its best one.

    Each draws first how often it takes each option, from a Dirichlet distribution with parameters
    1 / options, then an option for each unit: see ``random_allocations``. The reward is the
    negated value.
    """
    random = np.random.default_rng(seed)
    if recorder.resume is not None:
        random.bit_generator.state = recorder.resume.facts["random"]
    units, options = task.merged.allowed.shape
    while recorder.going:
        best: Outcome | None = None
        for _ in range(config.draws):
            drawn = settle(task, evaluator, drawn_mixture(random, units, options))
            if best is None or (not drawn.within, drawn.value) < (not best.within, best.value):
                best = drawn
        assert best is not None
        recorder.add(best, -best.value)
        recorder.keep(lambda: AgentState({"random": random.bit_generator.state}))
