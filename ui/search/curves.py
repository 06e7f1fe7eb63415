"""Episodes as lines: median and range over seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from qcore.agents.episode import best_values
from ui.figures.search import SearchLine
from ui.figures.search_rewards import RewardPanel
from ui.search.standing import Competitor

_WINDOWS = 30  # a rolling median covers this part of all episodes
_LEAST_WINDOW = 5


def best_line(competitor: Competitor, offset: float) -> SearchLine:
    """The best value so far over the seeds that have come so far, by episode.

    ``offset`` is added to all values. Between two points nothing changes.
    """
    each = [best_values(run.episodes) for run in competitor.runs]
    points: list[tuple[int, float, float, float]] = []
    longest = max(map(len, each), default=0)
    for place in range(longest):
        now = [values[place] for values in each if len(values) > place]
        known = [value + offset for value in now if value is not None]
        if not known:
            continue
        point = (place + 1, statistics.median(known), min(known), max(known))
        if not points or point[1:] != points[-1][1:] or place == longest - 1:
            points.append(point)
    episodes, median, low, high = list(zip(*points, strict=True)) or [()] * 4
    agent, seeds = competitor.entry.agent, len(competitor.runs)
    return SearchLine(agent, competitor.title, episodes, median, low, high, seeds)


def reward_panel(competitor: Competitor) -> RewardPanel:
    """The rolling median of every seed's rewards."""
    window = max(_LEAST_WINDOW, competitor.entry.episodes // _WINDOWS)
    seeds = tuple(
        _rolling([episode.reward for episode in run.episodes], window) for run in competitor.runs
    )
    return RewardPanel(competitor.entry.agent, competitor.title, seeds, window)


def _rolling(values: Sequence[float], window: int) -> tuple[float, ...]:
    """The median of each value and those before it within the window. Example: 3, 1, 2 with 2:
    3, 2, 1.5."""
    return tuple(
        statistics.median(values[max(0, end - window) : end]) for end in range(1, len(values) + 1)
    )
