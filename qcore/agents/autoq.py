"""To be written."""

from __future__ import annotations

from qcore.agents.autoq_config import AutoqConfig
from qcore.agents.evaluator import Evaluator
from qcore.agents.recorder import Recorder
from qcore.agents.task import SearchTask


def run_autoq(
    task: SearchTask, evaluator: Evaluator, config: AutoqConfig, recorder: Recorder, seed: int
) -> None:
    raise NotImplementedError
