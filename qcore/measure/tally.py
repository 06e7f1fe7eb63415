"""Two networks compared image by image: the sums that a measurement is made of."""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.errors import BadInput
from qcore.graph.run import Output, as_tuple
from qcore.measure.evaluation import Evaluation
from qcore.sensitivity.interval import Moments
from qcore.sensitivity.objective import agreement_per_image, is_finite, loss_per_image
from qcore.sensitivity.objectives import Objective


class Tally:
    """Running sums over images. ``classifier``: the network's outputs are scores of classes."""

    def __init__(self, classifier: bool) -> None:
        self._classifier = classifier
        self.delta, self.base = Moments(), 0.0
        self.agreeing = self.correct = self.base_correct = 0

    def add(
        self, reference: Output, output: Output, labels: Tensor | None, objective: Objective
    ) -> None:
        """Both networks' outputs for the next images. BadInput where one is not finite."""
        for name, values in (("full-precision", reference), ("quantized", output)):
            if not is_finite(values):
                raise BadInput(f"the {name} network's output is NaN or infinite on these images")
        base = loss_per_image(reference, reference, labels, objective)
        difference = loss_per_image(output, reference, labels, objective) - base
        self.base += float(base.sum())
        self.delta = self.delta.plus(
            len(base), float(difference.sum()), float(difference.square().sum())
        )
        if not self._classifier:
            return
        self.agreeing += int(agreement_per_image(output, reference).sum())
        if labels is not None:
            self.correct += _hits(output, labels)
            self.base_correct += _hits(reference, labels)

    def result(self, objective: Objective, labelled: bool, seconds: float) -> Evaluation:
        """The means over all the images that were added, one at least."""
        n = self.delta.samples
        labelled = labelled and self._classifier
        low, high = self.delta.interval() or (None, None)
        return Evaluation(
            objective=objective,
            loss=self.base / n + self.delta.mean,
            baseline_loss=self.base / n,
            delta_low=low,
            delta_high=high,
            accuracy=self.correct / n if labelled else None,
            baseline_accuracy=self.base_correct / n if labelled else None,
            agreement=self.agreeing / n if self._classifier else None,
            samples=n,
            seconds=seconds,
        )


def _hits(output: Output, labels: Tensor) -> int:
    (logits,) = as_tuple(output)
    return int(torch.eq(logits.argmax(1), labels).sum())
