"""What a race found as files."""

from __future__ import annotations

import pandas as pd

from qcore.agents.setting import SearchSetting
from qcore.allocate.chosen import kernels_to_bit_allocation, to_bit_allocation
from qcore.allocate.problem import evaluate
from ui import format as fmt
from ui.allocation.clipping import clipping_in_use
from ui.downloads import json_text
from ui.search.results import Result
from ui.search.standing import Standing


def configuration_json(setting: SearchSetting, one: Result) -> str:
    """The ALLOCATION.json of the command line. Call with the page's session."""
    table, clipping = setting.table, clipping_in_use(setting.table)
    found, method = evaluate(setting.task.problem, one.choice), fmt.file_name(one.name.lower())
    if setting.kernels is not None:
        written = kernels_to_bit_allocation(setting.kernels, table, found, method, clipping)
    else:
        written = to_bit_allocation(setting.layers, table, found, method, clipping)
    return json_text(written.to_json())


def episodes_csv(now: Standing) -> str:
    """A line an episode, of every competitor and seed, which is the one it was asked with: from 0.
    Costs are sums over layers."""
    lines = [
        {
            "agent": one.title,
            "seed": run.asked.seed,
            "episode": episode.number,
            "reward": episode.reward,
            "loss": episode.loss,
            "accuracy": episode.accuracy,
            "value": episode.value,
            "within": episode.within,
            "best": episode.choice is not None,
            "evaluations": episode.evaluations,
            "seconds": round(episode.seconds, 4),
            **{f"cost_{name}": cost for name, cost in episode.costs.items()},
        }
        for one in now.competitors
        for run in one.runs
        for episode in run.episodes
    ]
    return str(pd.DataFrame(lines).to_csv(index=False))
