"""Agents by name, and what each can be told. Free of torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Literal

from qcore.agents.autoq_config import AutoqConfig
from qcore.agents.haq_config import HaqConfig
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.releq_config import ReleqConfig

AgentName = Literal["releq", "haq", "autoq", "random"]
AgentConfig = HaqConfig | ReleqConfig | AutoqConfig | RandomConfig

CONFIGS: dict[AgentName, type[AgentConfig]] = {
    "releq": ReleqConfig,
    "haq": HaqConfig,
    "autoq": AutoqConfig,
    "random": RandomConfig,
}
TITLES: dict[AgentName, str] = {
    "releq": "ReLeQ",
    "haq": "HAQ",
    "autoq": "AutoQ",
    "random": "Random search",
}

DEFAULT_EPISODES: dict[AgentName, int] = {"releq": 500, "haq": 600, "autoq": 300, "random": 600}
"""HAQ's is its paper's; ReLeQ took 700 to 2,500, AutoQ about 200 to converge."""

LAYERS_ONLY: frozenset[AgentName] = frozenset({"releq", "haq"})
"""Those that give bits to layers, not to kernels, and work within budgets of cost, not of loss."""

_MOST_ENTRIES, _MOST_NUMBER, _MOST_COUNT = 8, 1e4, 4096
_MOST_COUNTS = {"low_memory": 10**7, "zeta_episodes": 10**6, "warm_up_episodes": 10**6}


def agent_name(config: AgentConfig) -> AgentName:
    """The name of a configuration's agent."""
    return next(name for name, kind in CONFIGS.items() if type(config) is kind)


def evaluations_per_episode(config: AgentConfig, units: int) -> int:
    """Configurations that an episode evaluates, where ``units`` are free.

    Example: 11 for ReLeQ of 11 layers with a reward after each; 1 for HAQ and AutoQ.
    """
    match config:
        case RandomConfig():
            return config.draws
        case ReleqConfig(reward_time="each layer"):
            return units
        case _:
            return 1


def config_to_json(config: AgentConfig) -> dict[str, Any]:
    """JSON values; tuples as lists."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(config).items()
    }


def config_from_json(name: AgentName, data: Mapping[str, Any]) -> AgentConfig:
    """The inverse of ``config_to_json``. ValueError for an unknown field or a wrong value."""
    kind = CONFIGS[name]
    known = {field.name for field in fields(kind)}
    unknown = set(data) - known
    if unknown:
        raise ValueError(
            f"{TITLES[name]} has no setting {min(unknown)!r}; it has {', '.join(sorted(known))}"
        )
    for field in fields(kind):
        if field.name in data and not _fits(field.name, data[field.name], field.default):
            raise ValueError(
                f"{field.name} is {str(data[field.name])[:40]!r}; give one like {field.default!r}, "
                "of a reasonable size"
            )
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
    return kind(**values)


def _fits(name: str, value: Any, default: object) -> bool:
    """True of a value of the default's kind that memory and arithmetic can bear; whole numbers are
    numbers."""
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, tuple):
        few = isinstance(value, list | tuple) and 0 < len(value) <= _MOST_ENTRIES
        return few and all(_fits(name, one, default[0]) for one in value)
    if isinstance(default, float):
        most = 1.0 if name.endswith("rate") else _MOST_NUMBER
        return isinstance(value, int | float) and -most <= value <= most
    if isinstance(default, int):
        return isinstance(value, int) and 0 <= value <= _MOST_COUNTS.get(name, _MOST_COUNT)
    return isinstance(value, type(default))
