"""The command that lets an agent choose bits."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qcore.agents.checkpoint import MOST_BYTES, Checkpoint
from qcore.agents.config import (
    DEFAULT_EPISODES,
    AgentConfig,
    AgentName,
    config_from_json,
    config_to_json,
)
from qcore.agents.episode import Episode, SearchRun
from qcore.agents.evaluator import Evaluator
from qcore.agents.interactions import predicted_evaluator
from qcore.agents.references import References, references
from qcore.agents.search import search
from qcore.agents.setting import SearchSetting, search_setting
from qcore.allocate.bits import BitAllocation
from qcore.allocate.chosen import kernels_to_bit_allocation, to_bit_allocation
from qcore.allocate.kernels import estimates_of
from qcore.allocate.refused import refused
from qcore.cli.agreements import pins_and_groups, unique
from qcore.cli.answered import Listener
from qcore.cli.clipping import clipping_of
from qcore.cli.files import read_table
from qcore.cli.hardware_option import on_hardware
from qcore.cli.interrupt import asked_to_stop
from qcore.cli.search_text import show_search
from qcore.cli.show import check_target, write_whole
from qcore.errors import BadInput


def search_bits(arguments: argparse.Namespace, listener: Listener) -> dict[str, Any]:
    """Search, print, and return the JSON. One interruption ends the search with its best so far.

    Raises BadInput.
    """
    check_target(arguments.checkpoint)
    agent: AgentName = arguments.agent
    config = _config(agent, unique(arguments.set, "setting"))
    setting = _setting(arguments)
    evaluator = _evaluator(arguments, setting, listener)
    wanted = arguments.episodes or DEFAULT_EPISODES[agent]
    known = _checkpoint(arguments.checkpoint)
    with refused(setting.table.config.quantity, setting.layers.offsets):
        lines = references(setting.task, evaluator)
        with asked_to_stop() as should_stop:
            run = search(
                setting.task,
                evaluator,
                config,
                episodes=wanted,
                seed=arguments.seed,
                known=known,
                on_episode=lambda one: listener(one.number / wanted, _text(one, wanted)),
                on_checkpoint=_keeper(arguments.checkpoint),
                should_stop=should_stop,
            )
    chosen = _chosen(setting, run, agent, arguments)
    show_search(setting, run, lines, chosen, wanted)
    return (
        chosen.to_json()
        | {"agent": agent, "settings": config_to_json(config), "seed": arguments.seed}
        | {"evaluator": arguments.evaluator, "evaluations": run.evaluations}
        | {"finished": run.finished, "references": _lines_json(lines, setting.offset)}
        | {"history": [_history(setting, episode) for episode in run.episodes]}
    )


def _config(agent: AgentName, settings: dict[str, Any]) -> AgentConfig:
    try:
        return config_from_json(agent, settings)
    except (TypeError, ValueError) as error:
        raise BadInput(f"--set: {error}") from error


def _setting(arguments: argparse.Namespace) -> SearchSetting:
    table, hardware = on_hardware(arguments, read_table(arguments.table))
    pins, groups = pins_and_groups(arguments, table)
    return search_setting(
        table,
        unique(arguments.budget, "budget"),
        pins=pins,
        activation_bits=arguments.activation_bits,
        hardware=hardware,
        groups=groups,
        estimates=estimates_of(table) if arguments.per_kernel else None,
    )


def _evaluator(
    arguments: argparse.Namespace, setting: SearchSetting, listener: Listener
) -> Evaluator:
    if arguments.evaluator != "measured":
        if arguments.images or arguments.fine_tune:
            raise BadInput("--images and --fine-tune are of --evaluator measured")
        return predicted_evaluator(setting, arguments.evaluator)
    from qcore.agents.measured import MeasuredEvaluator
    from qcore.calibrate.average import means_for
    from qcore.calibrate.observe import calibration_for
    from qcore.cli.measured_on import measured_on

    network, data = measured_on(setting.table)
    return MeasuredEvaluator(
        network,
        data,
        setting,
        images=arguments.images,
        calibration=calibration_for(network, data, on_progress=listener)
        if setting.rounds_inputs
        else None,
        means=means_for(network, data, on_progress=listener) if setting.corrects_biases else None,
        inputs=clipping_of(arguments),
        fine_tune_steps=arguments.fine_tune,
        seed=arguments.seed,
    )


def _text(episode: Episode, wanted: int) -> str:
    return f"episode {episode.number:,} of {wanted:,}, loss {episode.loss:.4g}"


def _checkpoint(path: str | None) -> Checkpoint | None:
    if path is None or not Path(path).exists():
        return None
    try:
        if Path(path).stat().st_size > MOST_BYTES:
            raise ValueError("it is too large")
        return Checkpoint.from_bytes(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise BadInput(f"{path!r} cannot be gone on from: {error}; name another file") from error


def _keeper(path: str | None) -> Callable[[Checkpoint], None]:
    """Writes checkpoints to the file."""

    def keep(found: Checkpoint) -> None:
        if path is not None:
            write_whole(path, found.to_bytes())

    return keep


def _chosen(
    setting: SearchSetting, run: SearchRun, agent: AgentName, arguments: argparse.Namespace
) -> BitAllocation:
    inputs = clipping_of(arguments)
    if run.allocation is None:
        raise BadInput("no configuration within the budgets was found; loosen them or search on")
    if setting.kernels is not None:
        return kernels_to_bit_allocation(
            setting.kernels, setting.table, run.allocation, agent, inputs
        )
    return to_bit_allocation(setting.layers, setting.table, run.allocation, agent, inputs)


def _history(setting: SearchSetting, episode: Episode) -> dict[str, Any]:
    """``cost`` is that of the first budget, in its own unit; ``loss`` the evaluator's."""
    first = next(iter(setting.task.problem.budgets))
    return {
        "episode": episode.number,
        "reward": episode.reward,
        "predicted_loss": episode.costs["loss"],
        "loss": episode.loss,
        "cost": episode.costs[first] + setting.layers.offsets[first],
        "evaluations": episode.evaluations,
        "seconds": episode.seconds,
    }


def _lines_json(lines: References, offset: float) -> dict[str, Any]:
    uniform, bound = lines.uniform, lines.bound
    return {
        "method": lines.method,
        "optimum": lines.optimum.value + offset,
        "uniform": None if uniform is None else uniform.value + offset,
        "bound": None if bound is None else bound + offset,
    }
