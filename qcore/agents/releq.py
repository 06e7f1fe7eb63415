"""To be written."""

from __future__ import annotations

from qcore.agents.evaluator import Evaluator
from qcore.agents.recorder import Recorder
from qcore.agents.releq_config import ReleqConfig
from qcore.agents.task import SearchTask


def run_releq(
    task: SearchTask, evaluator: Evaluator, config: ReleqConfig, recorder: Recorder, seed: int
) -> None:
    raise NotImplementedError
