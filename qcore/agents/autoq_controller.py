"""One of AutoQ's two controllers: how it is made, asked, and given episodes to remember."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from stable_baselines3.common.buffers import ReplayBuffer

from qcore.agents.autoq_config import AutoqConfig
from qcore.agents.ddpg import TwoRates, make_ddpg
from qcore.allocate.problem import FloatArray

Floats = npt.NDArray[np.float32]
Actor = Callable[[Floats], FloatArray]


def make_controller(
    numbers: int, transitions: int, discount: float, config: AutoqConfig
) -> TwoRates:
    """A learner that sees ``numbers`` from 0 to 1, see ``make_ddpg``."""
    seen = spaces.Box(0.0, 1.0, (numbers,), np.float32)
    return make_ddpg(TwoRates, seen, config, transitions=transitions, discount=discount)


def actor_of(model: TwoRates) -> Actor:
    """(..., numbers) -> (...): what ``model.predict`` answers now, from 0 to 1.

    A kernel's state holds the kernel's before, so they are asked one by one, 442 times an episode
    of fashion-cnn; a prediction of the library takes 0.2 ms, this 0.02.
    """
    values = [parameter.detach().numpy().copy() for parameter in model.actor.mu.parameters()]
    layers = [(weights.T, bias) for weights, bias in zip(values[::2], values[1::2], strict=True)]

    def answer(seen: Floats) -> FloatArray:
        found = np.asarray(seen, dtype=np.float32)
        for weights, bias in layers[:-1]:
            found = np.maximum(found @ weights + bias, 0)
        weights, bias = layers[-1]
        answers: FloatArray = (np.tanh(found @ weights + bias)[..., 0] + 1.0) / 2
        return answers

    return answer


def write(
    buffer: ReplayBuffer,
    place: int,
    seen: Floats,
    actions: FloatArray,
    ends: npt.NDArray[np.bool_],
) -> None:
    """Put an episode where the ``place``-th of such is; its rewards are written later.

    ``seen`` (rows, numbers) is before each action, ``actions`` (rows,) from 0 to 1, ``ends``
    (rows,) is True where the next row is no consequence. Example: the second episode of 11 rows
    has the rows 11 to 21 of the buffer.
    """
    rows = slice(place * len(seen), (place + 1) * len(seen))
    buffer.observations[rows, 0] = seen
    buffer.next_observations[rows, 0] = np.roll(seen, -1, 0)
    buffer.actions[rows, 0, 0] = 2 * actions - 1
    buffer.dones[rows, 0] = ends
    buffer.full |= rows.stop == buffer.buffer_size
    buffer.pos = rows.stop % buffer.buffer_size
