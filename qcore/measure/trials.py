"""The same images, prepared otherwise: does the network know them better?"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from qcore.data.dataset import Dataset, normalise
from qcore.data.preprocess import PRESETS, Preprocessing, from_preset
from qcore.graph.network import Network
from qcore.graph.run import Runner, as_tuple
from qcore.measure.data_report import Trial
from qcore.sensitivity.exact import chunk_images
from qcore.sensitivity.interval import Moments

_TRIAL_IMAGES = 64
AS_ASKED = "as asked"


def try_presets(network: Network, runner: Runner, data: Dataset, used: Tensor) -> tuple[Trial, ...]:
    """As asked, then with each preset, on up to 64 of the images ``used``; empty without any.

    Sizes stay as asked: only the normalisation of the pixels changes.
    """
    own = data.preprocessing
    if own is None or network.description.classes is None or own.channels != 3:
        return ()
    chosen = used[:: max(1, -(-len(used) // _TRIAL_IMAGES))]
    candidates = {AS_ASKED: own}
    for name in PRESETS:
        preset = from_preset(name, network.description.input_shape)
        values = {k: getattr(preset, k) for k in ("mean", "std", "channel_order", "value_range")}
        candidates[name] = replace(own, **values)
    labels, scores, found = labels_of(data, chosen), {}, []
    known: dict[Preprocessing, Tensor] = {}
    for name, how in candidates.items():
        if how not in known:
            chunks = chosen.split(chunk_images(network))
            known[how] = torch.cat([_logits(runner, data, part, how) for part in chunks])
        logits = known[how]
        scores[name] = _score(logits, labels)
        gain = scores[name] - scores[AS_ASKED]
        found.append(_with_gain(trial_of(name, logits, labels), gain))
    return tuple(found)


def _score(logits: Tensor, labels: Tensor | None) -> Tensor:
    """(N,) float64, larger is better: 1 for a hit, or the probability of the first choice."""
    if labels is None:
        # Another preset may overflow: then the network is sure of nothing.
        return logits.double().softmax(1).amax(1).nan_to_num(0.0).cpu()
    return (logits.argmax(1).cpu() == labels).double()


def _with_gain(trial: Trial, gain: Tensor) -> Trial:
    sums = Moments().plus(len(gain), float(gain.sum()), float(gain.square().sum()))
    low, _ = sums.interval() or (None, None)
    return replace(trial, gain=sums.mean, gain_low=low)


def _logits(runner: Runner, data: Dataset, indices: Tensor, how: Preprocessing) -> Tensor:
    images = normalise(data.images[indices], how)
    extras = tuple(extra[indices] for extra in data.extras)
    return as_tuple(runner((images, *extras) if extras else images))[0]


def trial_of(name: str, logits: Tensor | None, labels: Tensor | None) -> Trial:
    """What logits (N, classes) say; None are those of a network that is no classifier."""
    if logits is None:
        return Trial(name, 0, None, None)
    hits = None if labels is None else float(_score(logits, labels).mean())
    return Trial(name, len(logits), hits, float(_score(logits, None).mean()))


def labels_of(data: Dataset, indices: Tensor) -> Tensor | None:
    return None if data.labels is None else data.labels[indices]
