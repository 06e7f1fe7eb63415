"""The problems that agents are timed and compared on, and one search of one of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from benchmarks.projecting import projected_table
from qcore.agents.config import AgentConfig
from qcore.agents.episode import SearchRun
from qcore.agents.evaluator import PredictedEvaluator
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.references import references
from qcore.agents.search import search
from qcore.agents.setting import SearchSetting, search_setting
from qcore.allocate.budget import table_problem
from qcore.allocate.kernels import estimates_of
from qcore.data.load import load_data
from qcore.data.source import DataSource
from qcore.graph.load import load_network
from qcore.quantize.limits import DEFAULT_BITS
from qcore.sensitivity.config import Quantized, SensitivityConfig, Width
from qcore.sensitivity.table import SensitivityTable

Sample = Literal["fashion-cnn", "efficientnet-lite0"]

_IMAGES: dict[Sample, int] = {"fashion-cnn": 1000, "efficientnet-lite0": 64}
_BITS = 4  # of the uniform network that a budget is the cost of


@dataclass(frozen=True, eq=False)
class Problem:
    """What is searched: ``title`` names sample, units and budget; ``optimum`` is the least loss
    that is known, the integer program's or what prices on the budget find."""

    title: str
    setting: SearchSetting
    optimum: float


def weights_table(sample: Sample) -> SensitivityTable:
    """Projected KL divergence of weights at six widths, on the sample's calibration images."""
    return _table(sample, "weight")


def pairs_table(sample: Sample) -> SensitivityTable:
    """The same of weights and inputs, at every pair of the six widths."""
    return _table(sample, "both", DEFAULT_BITS)


def of_layers(sample: Sample, table: SensitivityTable) -> Problem:
    """4 bits on average; of pairs the bit operations of 4 bits everywhere."""
    if table.config.target == "weight":
        return _problem(f"{sample}, layers", search_setting(table, {"average_bits": float(_BITS)}))
    free = table_problem(table)
    four = free.problem.costs["bops"][:, free.options.index(Width(_BITS, _BITS))]
    budget = math.fsum(four) + free.offsets["bops"]
    return _problem(f"{sample}, layers and inputs", search_setting(table, {"bops": budget}))


def of_kernels(sample: Sample, table: SensitivityTable) -> Problem:
    """4 bits on average."""
    budgets = {"average_bits": float(_BITS)}
    setting = search_setting(table, budgets, estimates=estimates_of(table))
    return _problem(f"{sample}, kernels", setting)


def searched(problem: Problem, config: AgentConfig, episodes: int, seed: int = 0) -> SearchRun:
    """Rewarded by the predicted loss."""
    task = problem.setting.task
    return search(task, PredictedEvaluator(task), config, episodes=episodes, seed=seed)


def at_random(problem: Problem, like: SearchRun, seed: int = 0) -> SearchRun:
    """Random search with as many evaluations as ``like``, divided among as many episodes."""
    draws = math.ceil(like.evaluations / len(like.episodes))
    return searched(problem, RandomConfig(draws), len(like.episodes), seed)


def best_value(run: SearchRun) -> float:
    """The least loss found; infinite where nothing was within the budget."""
    return math.inf if run.allocation is None else run.allocation.loss


def gap_words(problem: Problem, value: float) -> str:
    """Example: 4.2 % above the optimum 0.01234."""
    return f"{value / problem.optimum - 1:.1%} above the optimum {problem.optimum:.5g}"


def _problem(title: str, setting: SearchSetting) -> Problem:
    task = setting.task
    lines = references(task, PredictedEvaluator(task))
    return Problem(title, setting, lines.optimum.value)


def _table(
    sample: Sample, target: Quantized, activation_bits: tuple[int, ...] = ()
) -> SensitivityTable:
    reference = f"sample:{sample}"
    network = load_network(reference)
    data = load_data(DataSource(reference), network, "calibration")
    config = SensitivityConfig(
        DEFAULT_BITS,
        "kl",
        _IMAGES[sample],
        method="projected",
        target=target,
        activation_bits=activation_bits,
    )
    return projected_table(network, data, config, reference)
