"""Goals that explain afterwards what the lower controller did: HIRO's off-policy correction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from qcore.allocate.problem import FloatArray, IndexArray

_AROUND = 8  # candidates around the achieved goal, as HIRO has them


def relabelled(
    goals: FloatArray,
    achieved: FloatArray,
    states: npt.NDArray[np.float32],
    actions: FloatArray,
    layer: IndexArray,
    actor: Callable[[npt.NDArray[np.float32]], FloatArray],
    random: np.random.Generator,
    sigma: float,
) -> FloatArray:
    """(layers,): for each layer the goal under which its kernels' actions are the likeliest.

    The higher controller's old transitions tell of goals that the lower one, as it is now, would
    answer otherwise. Of ten candidates (the goal as it was, the mean that was achieved, eight drawn
    around this with ``sigma``) the one is kept that maximises -1/2 sum_j (a_j - actor(s_j, g))^2;
    of equal ones the first (Nachum et al. 2018, arXiv 1805.08296, section 3.3; taken up by AutoQ).
    ``goals`` and ``achieved`` (layers,) are from 0 to 1, ``states`` (kernels, n) without the goal,
    ``actions`` (kernels,), ``layer`` (kernels,) each kernel's layer; ``actor`` maps
    (rows, n + 1) to (rows,), once for all. Example: an actor that answers with the goal itself, and
    kernels at 0.2 and 0.4: 0.3, where that is among the candidates.
    """
    around = achieved[:, None] + sigma * random.standard_normal((len(goals), _AROUND))
    candidates = np.clip(np.column_stack([goals, achieved, around]), 0, 1)
    asked = candidates[layer].reshape(-1, 1)
    seen = np.hstack([np.repeat(states, candidates.shape[1], 0), asked])
    answers = actor(seen.astype(np.float32))
    off = (actions[:, None] - answers.reshape(len(actions), -1)) ** 2
    misfit = np.zeros(candidates.shape)
    np.add.at(misfit, layer, off / 2)
    found: FloatArray = candidates[np.arange(len(goals)), misfit.argmin(1)]
    return found
