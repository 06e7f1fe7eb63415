"""How each quantizer of the registry finds levels for rows (groups, n), and rounds to them.

Even levels are whole multiples of their step, or lie midway between (mid-rise), so that rounding
needs no list of them. Every fit raises ValueError outside 2..16 bits.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from qcore.quantize import fixed_point, rise_tread, symmetric, uniform
from qcore.quantize.level_groups import EvenLevels, Levels, ListedLevels
from qcore.quantize.levels import nearest
from qcore.quantize.limits import full_range, restricted_range
from qcore.quantize.stochastic import stochastic_round

_SEED = 1502_02551


def fit_symmetric(rows: Tensor, bits: int) -> EvenLevels:
    """The step of least squared error for each row, restricted range.

    Example: the row 0.5, 1 at 2 bits has step 0.75 and levels -0.75, 0, 0.75.
    """
    first, last = restricted_range(bits)
    return _even(symmetric.mse_scale(rows, bits), first, last - first + 1)


def fit_symmetric_max(rows: Tensor, bits: int) -> EvenLevels:
    """Each row's largest magnitude on the last level, restricted range.

    Example: the row 0.3, -1 at 2 bits has levels -1, 0, 1.
    """
    first, last = restricted_range(bits)
    return _even(symmetric.max_scale(rows, bits), first, last - first + 1)


def fit_symmetric_full(rows: Tensor, bits: int) -> EvenLevels:
    """Each row's largest magnitude, negative, on the first level, full range.

    Example: the row 0.3, -1 at 2 bits has levels -1, -0.5, 0, 0.5.
    """
    threshold = rows.abs().amax(dim=1, keepdim=True)
    return _even(uniform.full_scale(threshold, bits), full_range(bits)[0], 2**bits)


def fit_affine(rows: Tensor, bits: int) -> EvenLevels:
    """Each row from its smallest to its largest value, zero exact.

    Example: the row -1, 2 at 2 bits has levels -1, 0, 1, 2.
    """
    low, high = rows.aminmax(dim=1, keepdim=True)
    scale, zero_point = uniform.affine_parameters(low, high, bits)
    return _even(scale, -zero_point, 2**bits)


def fit_fixed_point(rows: Tensor, bits: int) -> EvenLevels:
    """The fractional length of least absolute error for all rows.

    Example: 0.5 and -1 at 2 bits have levels -1, -0.5, 0, 0.5.
    """
    step = 2.0 ** -fixed_point.fractional_length(rows, bits)
    one = torch.ones(1, 1, device=rows.device)
    return _even(one * step, full_range(bits)[0], 2**bits)


def fit_mid_rise(rows: Tensor, bits: int) -> EvenLevels:
    """2^p of the levels step * (k + 1/2) for all rows.

    Example: -1 and 1 at 2 bits have levels -0.75, -0.25, 0.25, 0.75.
    """
    step = rise_tread.step_size(rows, bits)
    first, _ = rise_tread.mid_rise_bounds(rows, step, bits)
    return _even(step.reshape(1, 1), first + 0.5, 2**bits)


def fit_mid_tread(rows: Tensor, bits: int) -> EvenLevels:
    """2^p of the levels step * k for all rows.

    Example: -1 and 1 at 2 bits have levels -1, -0.5, 0, 0.5.
    """
    step = rise_tread.step_size(rows, bits)
    first, _ = rise_tread.mid_tread_bounds(rows, step, bits)
    return _even(step.reshape(1, 1), first, 2**bits)


def fit_listed(find: Callable[[Tensor, int], Tensor]) -> Callable[[Tensor, int], Levels]:
    """A fit out of a function that lists the levels of a whole tensor.

    Example: ``uniform_range`` makes one that finds 0, 1, 2, 3 for 0 and 3 at 2 bits.
    """

    def fit(rows: Tensor, bits: int) -> ListedLevels:
        return ListedLevels(find(rows, bits).unsqueeze(0))

    return fit


def round_uniform(rows: Tensor, levels: Levels) -> Tensor:
    """To the nearest multiple of the step, halves to the even one.

    Example: -0.4, 0.5, 0.6 with levels -1, 0, 1 become 0, 0, 1.
    """
    step, first = _lattice(rows, levels)
    count = _even_only(levels).count
    return uniform.fake_quantize(rows, step, -first.round(), 0, count - 1)


def round_mid_rise(rows: Tensor, levels: Levels) -> Tensor:
    """By floor(x / step), as ``fit_mid_rise`` bounds it.

    Example: 0 and 1 with levels -0.75, -0.25, 0.25, 0.75 become 0.25, 0.75.
    """
    step, first = _lattice(rows, levels)
    index = (first - 0.5).round()
    return rise_tread.mid_rise(rows, step, (index, index + _even_only(levels).count - 1))


def round_mid_tread(rows: Tensor, levels: Levels) -> Tensor:
    """By floor(x / step + 1/2), as ``fit_mid_tread`` bounds it.

    Example: 0.25 and 1 with levels -1, -0.5, 0, 0.5 become 0.5, 0.5.
    """
    step, first = _lattice(rows, levels)
    index = first.round()
    return rise_tread.mid_tread(rows, step, (index, index + _even_only(levels).count - 1))


def round_listed(rows: Tensor, levels: Levels) -> Tensor:
    """To the nearest level of the list, midway to the lower one.

    Example: 0.5 and 0.6 with levels 0, 1, 4 become 0, 1.
    """
    assert isinstance(levels, ListedLevels)
    values = levels.values
    return nearest(rows, values[0] if len(values) == 1 else values)


def round_stochastic(rows: Tensor, levels: Levels) -> Tensor:
    """To one of the two neighbours in a list for all rows; the same draws in every call.

    Example: 0.25 with levels 0, 1 becomes 1 in a quarter of all places.
    """
    assert isinstance(levels, ListedLevels)
    # A repeated question has the same answer. Weights drawn from a common seed must not meet the
    # same stream here, which would tie the draws to the values.
    generator = torch.Generator(rows.device).manual_seed(_SEED)
    return stochastic_round(rows, levels.values[0], generator)


def _even(step: Tensor, first: Tensor | float, count: int) -> EvenLevels:
    """``first`` in steps. Products of float32 steps with indices are exact in float64."""
    step = step.double()
    return EvenLevels(step * first, step, count)


def _even_only(levels: Levels) -> EvenLevels:
    assert isinstance(levels, EvenLevels)
    return levels


def _lattice(rows: Tensor, levels: Levels) -> tuple[Tensor, Tensor]:
    """The step, and the first level in steps, each (groups, 1) and of the dtype of rows."""
    even = _even_only(levels)
    return even.step.to(rows), (even.first / even.step).to(rows)
