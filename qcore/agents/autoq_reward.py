"""AutoQ's rewards: of the network to both controllers, of the goal to the lower one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from qcore.allocate.problem import FloatArray, IndexArray

LEAST_ACCURACY = 1e-9
"""What an accuracy of 0 counts as: its logarithm has to be a number."""


def zeta_at(episode: int, first: float, last: float, episodes: int) -> float:
    """The weight of the extrinsic reward in an episode, counted from 0: it rises linearly.

    It does not depend on how many episodes are asked for, so that a longer search begins as a
    shorter one does. Example: from 0.1 to 0.8 over 200 episodes, 0.45 in episode 100.
    """
    return first + (last - first) * min(1.0, episode / max(1, episodes))


def extrinsic_reward(accuracy: float, ratios: Mapping[str, float], psi: Sequence[float]) -> float:
    """log(accuracy^psi_acc / (latency^psi_l * energy^psi_e * area^psi_a)), the paper's eRd.

    ``accuracy`` is relative to full precision, and ``ratios`` ("latency", "energy", "area") to the
    network at its widest bits, so that units do not matter; what a problem does not have is left
    out of ``ratios`` and counts as 1. Example: accuracy 0.98 at half the latency, psi (2, 0.5, 0,
    0): 2 log 0.98 - 0.5 log 0.5 = 0.306.
    """
    found = psi[0] * math.log(max(accuracy, LEAST_ACCURACY))
    for name, power in zip(("latency", "energy", "area"), psi[1:], strict=True):
        found -= power * math.log(ratios.get(name, 1.0))
    return found


def goal_misses(asked: FloatArray, bits: FloatArray, layer: IndexArray) -> FloatArray:
    """(layers,): |g * c_out - sum of the kernels' bits| / c_out, how far off its goal a layer is.

    ``asked`` (layers,) are mean bits, ``bits`` (kernels,) and ``layer`` (kernels,) each
    kernel's bits and layer. Example: a goal of 4 bits, and kernels of 2, 4 and 3 bits: 1 bit.
    """
    sums = np.bincount(layer, bits, len(asked))
    counts = np.bincount(layer, minlength=len(asked))
    found: FloatArray = np.abs(asked - sums / counts)
    return found


def intrinsic_reward(zeta: float, misses: FloatArray, extrinsic: FloatArray) -> FloatArray:
    """(1 - zeta) * -misses + zeta * extrinsic, the paper's iRd divided by c_out.

    The paper adds up over a layer's kernels; a mean lets layers of 16 and of 1,280 kernels teach
    one critic. ``misses`` and ``extrinsic`` have to be on like scales: AutoQ here gives misses as a
    part of the widest bits, and ``rank_reward``. Example: zeta 0.1, 0.25 off, extrinsic 0.5:
    -0.175.
    """
    found: FloatArray = (1 - zeta) * -misses + zeta * extrinsic
    return found


def rank_reward(extrinsic: FloatArray) -> FloatArray:
    """(episodes,): the part of the remembered episodes that each is better than, -0.5 to 0.5.

    Losses of configurations differ by factors of hundreds, most of it between bad ones; a critic
    that has to fit them is blind among good ones. Their order is the same. Example: rewards -9,
    -2, -1 stand at -1/3, 0, 1/3.
    """
    _, place, count = np.unique(extrinsic, return_inverse=True, return_counts=True)
    ranks = np.cumsum(count) - (count - 1) / 2  # from 1; equal ones share the mean of theirs
    found: FloatArray = (ranks[place] - 0.5) / len(extrinsic) - 0.5
    return found
