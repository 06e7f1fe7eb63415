"""The same images, prepared otherwise: does the network know them better?"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from qcore.data.dataset import Dataset, normalise
from qcore.data.preprocess import PRESETS, Preprocessing, from_preset
from qcore.graph.chunks import chunk_images
from qcore.graph.network import Network
from qcore.graph.run import Runner, as_tuple
from qcore.measure.data_report import Trial
from qcore.sensitivity.interval import Moments

_TRIAL_IMAGES = 64
AS_ASKED = "as asked"
OWN_MEAN = "mean and spread of these images"


def try_presets(network: Network, runner: Runner, data: Dataset, used: Tensor) -> tuple[Trial, ...]:
    """As asked, then with each preset, on up to 64 of the images ``used``; empty without any.

    Sizes stay as asked: only the normalisation of the pixels changes.
    """
    own = data.preprocessing
    if own is None or network.description.classes is None:
        return ()
    chosen = used[:: max(1, -(-len(used) // _TRIAL_IMAGES))]
    candidates = _candidates(own, data.images[chosen])
    labels, scores, found = labels_of(data, chosen), {}, []
    known: dict[Preprocessing, Tensor] = {}
    for name, how in candidates.items():
        if how not in known:
            chunks = chosen.split(chunk_images(network))
            known[how] = torch.cat([_logits(runner, data, part, how) for part in chunks])
        logits = known[how]
        scores[name] = _score(logits, labels)
        gain = scores[name] - scores[AS_ASKED]
        found.append(_with_gain(trial_of(name, logits, labels), how, gain))
    return tuple(found)


def _candidates(own: Preprocessing, images: Tensor) -> dict[str, Preprocessing]:
    """As asked, every preset, and the mean and spread of the images themselves (N, C, H, W)."""
    found = {AS_ASKED: own}
    for name in PRESETS:
        preset = from_preset(name, own.input_shape)
        values = {k: getattr(preset, k) for k in ("mean", "std", "channel_order", "value_range")}
        found[name] = replace(own, **values)
    channels = images.double().transpose(0, 1).flatten(1) / 255
    spread = channels.std(1)
    if bool((spread > 0).all()):
        mean, std = tuple(channels.mean(1).tolist()), tuple(spread.tolist())
        found[OWN_MEAN] = replace(
            own, mean=mean, std=std, value_range="0 to 1", channel_order="RGB"
        )
    return found


def _score(logits: Tensor, labels: Tensor | None) -> Tensor:
    """(N,) float64, larger is better: 1 for a hit, or (without labels) the information, nats.

    Confidence alone would not do: larger inputs make most networks surer, of the wrong thing.
    """
    if labels is not None:
        return (logits.argmax(1).cpu() == labels).double()
    chances = logits.double().softmax(1)
    ratio = (chances / chances.mean(0)).clamp_min(1e-300).log()
    # Another preset may overflow: then the network says nothing.
    return (chances * ratio).sum(1).nan_to_num(0.0, 0.0, 0.0).cpu()


def _with_gain(trial: Trial, how: Preprocessing, gain: Tensor) -> Trial:
    sums = Moments().plus(len(gain), float(gain.sum()), float(gain.square().sum()))
    low, _ = sums.interval() or (None, None)
    return replace(trial, preprocessing=how, gain=sums.mean, gain_low=low)


def _logits(runner: Runner, data: Dataset, indices: Tensor, how: Preprocessing) -> Tensor:
    images = normalise(data.images[indices], how)
    extras = tuple(extra[indices] for extra in data.extras)
    return as_tuple(runner((images, *extras) if extras else images))[0]


def trial_of(name: str, logits: Tensor | None, labels: Tensor | None) -> Trial:
    """What logits (N, classes) say; None are those of a network that is no classifier."""
    if logits is None:
        return Trial(name, 0, None, None)
    hits = None if labels is None else float(_score(logits, labels).mean())
    sure = float(logits.double().softmax(1).amax(1).nan_to_num(0.0).mean())
    return Trial(name, len(logits), hits, sure, float(_score(logits, None).mean()))


def labels_of(data: Dataset, indices: Tensor) -> Tensor | None:
    return None if data.labels is None else data.labels[indices]
