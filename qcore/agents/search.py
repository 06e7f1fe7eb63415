"""Run an agent: the same from a test, the command line and a worker."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch

from qcore.agents.autoq import run_autoq
from qcore.agents.autoq_config import AutoqConfig
from qcore.agents.checkpoint import Checkpoint
from qcore.agents.config import AgentConfig
from qcore.agents.episode import Episode, SearchRun, best_choice
from qcore.agents.evaluator import Evaluator
from qcore.agents.haq import run_haq
from qcore.agents.haq_config import HaqConfig
from qcore.agents.random_search import run_random
from qcore.agents.random_search_config import RandomConfig
from qcore.agents.recorder import Recorder
from qcore.agents.releq import run_releq
from qcore.agents.releq_config import ReleqConfig
from qcore.agents.task import SearchTask
from qcore.allocate.known import proven_gap
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.problem import Allocation, evaluate
from qcore.errors import BadInput

_DAMAGED = "the checkpoint is damaged; name another file"


def search(
    task: SearchTask,
    evaluator: Evaluator,
    config: AgentConfig,
    *,
    episodes: int,
    seed: int = 0,
    known: Checkpoint | None = None,
    on_episode: Callable[[Episode], None] = lambda episode: None,
    on_checkpoint: Callable[[Checkpoint], None] = lambda checkpoint: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> SearchRun:
    """Let an agent try ``episodes`` configurations within the budgets; the best is the result.

    The same ``seed`` gives the same episodes, in one go or from the checkpoint ``known`` on.
    ``bound`` and ``gap`` of the result are those of the relaxed integer program, which is about
    the sum of the rows' losses. Raises BadInput where no unit is free, where the agent cannot work
    within such budgets and where ``known`` is of another search; InfeasibleBudget where nothing
    meets them.
    """
    if not task.free.any():
        one = task.problem.loss.shape[1] == 1
        why = (
            "the table has one width; measure more" if one else "every layer is pinned; unpin some"
        )
        raise BadInput(f"there is nothing to search: {why}")
    about = search_identity(task, evaluator, config, seed, episodes)
    _check(known, about, task)
    bound = solve_lagrangian(task.problem).bound
    recorder = Recorder(
        evaluator,
        episodes,
        known,
        about=about,
        on_episode=on_episode,
        on_checkpoint=on_checkpoint,
        should_stop=should_stop,
    )
    with _own_randomness(seed), _sound(known, recorder):
        _run(task, evaluator, config, recorder, seed)
    choice = best_choice(recorder.episodes)
    return SearchRun(
        None if choice is None else _allocation(task, choice, bound, recorder.seconds),
        tuple(recorder.episodes),
        recorder.evaluations,
        recorder.seconds,
        recorder.number >= episodes,
    )


def search_identity(
    task: SearchTask, evaluator: Evaluator, config: AgentConfig, seed: int, episodes: int
) -> str:
    """The same for searches that go through the same episodes, whatever their number; ReLeQ's last
    ones are not random, so that their number matters."""
    problem, found = task.problem, hashlib.sha256()
    for name, table in ({"": problem.loss} | dict(problem.costs)).items():
        found.update(name.encode() + table.tobytes())
    ends = episodes if isinstance(config, ReleqConfig) else None
    known = (problem.budgets, problem.groups, problem.pins, task.options, task.layers)
    found.update(f"{evaluator.about} {known!r} {config!r} {seed} {ends}".encode())
    return found.hexdigest()


def _run(
    task: SearchTask, evaluator: Evaluator, config: AgentConfig, recorder: Recorder, seed: int
) -> None:
    match config:
        case HaqConfig():
            run_haq(task, evaluator, config, recorder, seed)
        case ReleqConfig():
            run_releq(task, evaluator, config, recorder, seed)
        case AutoqConfig():
            run_autoq(task, evaluator, config, recorder, seed)
        case RandomConfig():
            run_random(task, evaluator, config, recorder, seed)


def _check(known: Checkpoint | None, about: str, task: SearchTask) -> None:
    """BadInput for a checkpoint of another search, or with configurations that cannot be."""
    if known is None:
        return
    if known.about != about:
        raise BadInput(
            "the checkpoint is of another search (problem, budgets, agent, settings, seed, and of "
            "ReLeQ the number of episodes); name another file"
        )
    rows, options = task.problem.loss.shape
    for choice in (episode.choice for episode in known.episodes):
        if choice is not None and (len(choice) != rows or max(choice) >= options):
            raise BadInput(_DAMAGED)


@contextlib.contextmanager
def _sound(known: Checkpoint | None, recorder: Recorder) -> Iterator[None]:
    """BadInput where an agent cannot take up its state: its file was changed by somebody."""
    before = recorder.number
    try:
        yield
    except (KeyError, IndexError, TypeError, ValueError, RuntimeError, AssertionError) as error:
        if known is None or recorder.number > before or isinstance(error, BadInput):
            raise
        raise BadInput(_DAMAGED) from error


def _allocation(
    task: SearchTask, choice: tuple[int, ...], bound: float | None, seconds: float
) -> Allocation:
    found = evaluate(task.problem, choice)
    gap = None if bound is None else proven_gap(found.loss, bound)
    return replace(found, bound=bound, gap=gap, seconds=seconds)


@contextlib.contextmanager
def _own_randomness(seed: int) -> Iterator[None]:
    """Libraries draw from the process's generators: seeded here, and given back as they were.

    One thread: networks this small are slower with two, and sums do not depend on their number.
    """
    numbers, threads = np.random.get_state(), torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            np.random.set_state(numbers)
            torch.set_num_threads(threads)
