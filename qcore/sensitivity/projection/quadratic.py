"""The predicted loss of any configuration, fast enough for a local search. Free of torch."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Choices = npt.NDArray[np.int64]


class QuadraticLoss:
    """mean over images of (sum of first) + 1/2 (sum of P)^2, by parts that are chosen each.

    A *part* is one layer's weights or its input; its options are the bit widths in their order,
    and full precision as number ``bits`` (or -1). With G the Gram matrix of all the columns of P,
    divided by their length, the second term is 1/2 c' G c for a choice c of one column per part:
    the number of images does not matter any more.
    """

    def __init__(self, projections: Doubles, first: Doubles) -> None:
        """projections: (draws, parts, bits); first: (parts, bits), means over images."""
        draws, self.parts, bits = projections.shape
        self.options = bits + 1
        columns = np.zeros((draws, self.parts, self.options))
        columns[:, :, :bits] = projections
        flat = columns.reshape(draws, -1)
        self.gram: Doubles = flat.T @ flat / draws
        self.first: Doubles = np.zeros((self.parts, self.options))
        self.first[:, :bits] = first
        self._rows = np.arange(self.parts) * self.options

    def loss(self, choice: Choices) -> float:
        """The loss of one configuration, (parts,) option numbers."""
        chosen = self._chosen(choice)
        return float(
            0.5 * self.gram[np.ix_(chosen, chosen)].sum() + self.first.ravel()[chosen].sum()
        )

    def losses(self, choices: Choices) -> Doubles:
        """(configurations,) for (configurations, parts) option numbers."""
        taken = np.zeros((len(choices), self.gram.shape[0]))
        np.put_along_axis(taken, self._chosen(choices), 1.0, axis=1)
        found: Doubles = 0.5 * np.einsum("cp,cp->c", taken @ self.gram, taken)
        return found + taken @ self.first.ravel()

    def moves(self, choice: Choices) -> Doubles:
        """(parts, options): the loss after each change of a single part."""
        chosen = self._chosen(choice)
        own = chosen[:, None]
        options = self._rows[:, None] + np.arange(self.options)
        with_all = self.gram[:, chosen].sum(1)
        with_others = with_all[options] - self.gram[options, own]
        here = with_all[chosen] - self.gram[chosen, chosen]
        square = 0.5 * np.diag(self.gram)
        change = (with_others + square[options] + self.first) - (
            here + square[chosen] + self.first.ravel()[chosen]
        )[:, None]
        found: Doubles = self.loss(choice) + change
        return found

    def _chosen(self, choice: Choices) -> Choices:
        """Columns of the Gram matrix."""
        found: Choices = np.asarray(choice) % self.options + self._rows
        return found
