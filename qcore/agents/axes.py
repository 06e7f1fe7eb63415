"""The options of a layer as agents step through them: widths of weights times widths of inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcore.allocate.problem import IndexArray
from qcore.sensitivity.config import Width


@dataclass(frozen=True, eq=False)
class OptionAxes:
    """Options by two axes, each from the narrowest to the widest.

    ``option[w, a]`` is the option of weight width ``weight_bits[w]`` and input width
    ``input_bits[a]``; ``weight_of[o]`` and ``input_of[o]`` are its way back. Where options are no
    full grid (4/4 and 8/8 bits alone) there is one axis of pairs, and ``input_bits`` is (None,).
    """

    weight_bits: tuple[int, ...]
    input_bits: tuple[int | None, ...]
    option: IndexArray
    weight_of: IndexArray
    input_of: IndexArray

    @property
    def chooses_inputs(self) -> bool:
        """True where weights and inputs are chosen each."""
        return len(self.input_bits) > 1


def option_axes(options: Sequence[Width]) -> OptionAxes:
    """The axes of a problem's options.

    Example: widths 4/4, 4/8, 8/4, 8/8 give ``weight_bits`` (4, 8), ``input_bits`` (4, 8), and
    option[0, 1] = 1; 8 and 4 bits of weights alone give (4, 8), (None,) and option[0, 0] = 1.
    """
    weights = sorted({width.bits for width in options})
    inputs = sorted({width.activation_bits or 0 for width in options})
    place = {(width.bits, width.activation_bits or 0): o for o, width in enumerate(options)}
    if len(inputs) > 1 and len(place) == len(weights) * len(inputs) == len(options):
        grid = np.array([[place[w, a] for a in inputs] for w in weights], dtype=np.intp)
        return _axes(tuple(weights), tuple(a or None for a in inputs), grid)
    order = sorted(range(len(options)), key=lambda o: (options[o].bits, _input(options[o])))
    line = np.array(order, dtype=np.intp)[:, None]
    return _axes(tuple(options[o].bits for o in order), (None,), line)


def _axes(
    weight_bits: tuple[int, ...], input_bits: tuple[int | None, ...], option: IndexArray
) -> OptionAxes:
    back = np.empty((2, option.size), dtype=np.intp)
    back[:, option.ravel()] = np.indices(option.shape).reshape(2, -1)
    return OptionAxes(weight_bits, input_bits, option, back[0], back[1])


def _input(width: Width) -> int:
    return width.activation_bits or 0
