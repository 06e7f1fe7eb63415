"""To be written."""

from __future__ import annotations

from qcore.agents.evaluator import Evaluator
from qcore.agents.haq_config import HaqConfig
from qcore.agents.recorder import Recorder
from qcore.agents.task import SearchTask


def run_haq(
    task: SearchTask, evaluator: Evaluator, config: HaqConfig, recorder: Recorder, seed: int
) -> None:
    raise NotImplementedError
