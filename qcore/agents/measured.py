"""What a configuration is worth to an agent, as measured: the quantized network is run."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor

from qcore.agents.evaluator import Score
from qcore.agents.fine_tune import fine_tuned
from qcore.agents.setting import SearchSetting
from qcore.allocate.bits import BitAllocation
from qcore.calibrate.calibration import Calibration
from qcore.calibrate.clipping import Clipping
from qcore.calibrate.means import InputMeans
from qcore.calibrate.quantizer import NetworkQuantizer
from qcore.data.dataset import Dataset
from qcore.errors import BadInput, Stopped
from qcore.graph.chunks import chunk_images
from qcore.graph.network import Network
from qcore.graph.run import Changes, Output
from qcore.measure.evaluate import quantized
from qcore.measure.evaluation import Evaluation
from qcore.measure.tally import Tally
from qcore.sensitivity.image_chunks import chosen_images
from qcore.sensitivity.projection.shrinkage import CrossTerms

Choice = tuple[int, ...]


class MeasuredEvaluator:
    """The loss that whole configurations add on calibration images, each measured once.

    ``data`` are those of the setting's table, and the images the first ``images`` of the table's
    own, all of them where that is None. That thresholds and bias corrections are of images that
    are measured on too is nothing to refuse here: an agent is rewarded on calibration images, and
    what it finds is measured on others in the end. ``loss`` is the mean over images of the loss in
    the table's objective minus that of full precision. ``accuracy`` is the accuracy relative to
    full precision's where there are labels, the share of images on which both choose the same
    class where there are none (or full precision is never right), and exp(-loss) where the network
    is no classifier. Example: right on 80 of 100 images, full precision on 90: 0.889.

    Thresholds of inputs are found on ``calibration``, clipped as ``inputs`` says where the table is
    of weights alone; biases are corrected by ``means``, not at all without. With
    ``fine_tune_steps`` every configuration is trained first, on the same images (see
    ``fine_tuned``): its loss is then below what it is to be deployed with, and there the more so
    the fewer the images are. ``known`` are scores of an earlier attempt; ``on_score`` gets each new
    one. All of torch's threads work in ``score``, as many as there were when this was made.

    Raises BadInput for more images than the table's, inputs with bits without calibration and
    outputs that are not finite; Stopped when ``should_stop`` says so.
    """

    def __init__(
        self,
        network: Network,
        data: Dataset,
        setting: SearchSetting,
        *,
        images: int | None = None,
        calibration: Calibration | None = None,
        means: InputMeans | None = None,
        inputs: Clipping | None = None,
        fine_tune_steps: int = 0,
        seed: int = 0,
        known: Mapping[Choice, Score] | None = None,
        on_score: Callable[[Choice, Score], None] = lambda choice, score: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.additive = False
        self.terms: CrossTerms | None = None
        self.evaluations = 0
        self._network, self._data, self._setting = network, data, setting
        self._indices = _first_images(data, setting, images)
        self._clipping = _clipping(setting, inputs)
        self._quantizer = NetworkQuantizer(network, self._clipping, calibration, means)
        self._steps, self._seed = fine_tune_steps, seed
        found = network.description.fingerprint, data.fingerprint(), len(self._indices)
        self.about = f"measured {found} {self._clipping!r} {fine_tune_steps}"
        self._known = dict(known or {})
        self._on_score, self._should_stop = on_score, should_stop
        self._runner = network.runner()
        self._references: list[Output] = []
        self._threads = torch.get_num_threads()

    def score(self, choice: Choice) -> Score:
        """What the configuration loses; ``choice`` has an option for each row of the problem."""
        key = tuple(int(option) for option in choice)
        known = self._known.get(key)
        if known is not None:
            return known
        with _threads(self._threads), torch.no_grad():
            score = self._measured(key)
        self.evaluations += 1
        self._known[key] = score
        self._on_score(key, score)
        return score

    def _measured(self, choice: Choice) -> Score:
        changes, objective = self._changes(choice), self._setting.table.config.objective
        tally = Tally(self._network.description.classes is not None)
        for number, indices in enumerate(self._indices.split(chunk_images(self._network))):
            if self._should_stop():
                raise Stopped
            images = self._data.batch(indices)
            labels = _labels(self._data, indices, self._runner.device)
            if number == len(self._references):
                self._references.append(self._runner(images))
            output = self._runner(images, changes)
            tally.add(self._references[number], output, labels, objective)
        return _score(tally.result(objective, self._data.labels is not None, 0.0))

    def _changes(self, choice: Choice) -> Changes:
        allocation = BitAllocation(
            self._setting.bits(choice),
            activations=self._setting.inputs(choice),
            clipping=self._clipping,
        )
        if not self._steps:
            return quantized(self._network, allocation, self._quantizer)
        return fine_tuned(
            self._network,
            self._quantizer,
            allocation,
            self._data,
            self._indices,
            steps=self._steps,
            seed=self._seed,
            should_stop=self._should_stop,
        )


def _first_images(data: Dataset, setting: SearchSetting, images: int | None) -> Tensor:
    chosen = chosen_images(data, setting.table.config)
    if images is not None and images > len(chosen):
        raise BadInput(
            f"configurations cannot be measured on {images:,} images: the sensitivity table was "
            f"made on {len(chosen):,}; give at most so many"
        )
    return chosen[:images]


def _clipping(setting: SearchSetting, inputs: Clipping | None) -> Clipping:
    """As what the agent finds is going to be measured (see ``to_bit_allocation``)."""
    config = setting.table.config
    if config.target == "weight" and inputs is not None:
        return config.clipping.joined(inputs)
    return config.clipping


def _labels(data: Dataset, indices: Tensor, device: torch.device) -> Tensor | None:
    return None if data.labels is None else data.labels[indices].to(device)


def _score(found: Evaluation) -> Score:
    loss = found.delta_loss
    if found.accuracy is not None and found.baseline_accuracy:
        return Score(loss, found.accuracy / found.baseline_accuracy)
    if found.agreement is not None:
        return Score(loss, found.agreement)
    return Score(loss, math.exp(min(-loss, 700.0)))


@contextlib.contextmanager
def _threads(wanted: int) -> Iterator[None]:
    """A search has taken one thread for its small networks; this one is not small."""
    before = torch.get_num_threads()
    torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)
