"""Products of matrices in integers: the scales come out of the sum, biases do not."""

from __future__ import annotations

import torch
from torch import Tensor

from qcore.quantize.uniform import dequantize, quantize


def integer_matmul(
    left: Tensor,
    right: Tensor,
    left_scale: Tensor,
    right_scale: Tensor,
    integers: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """(accumulators int64, real product), both (rows, columns), of left @ right in integers.

    left (rows, k) and right (k, columns) are quantized symmetrically to the range ``integers``
    (lowest, highest), as ``restricted_range`` and ``full_range`` give it. The scale of left is ()
    or (rows, 1), of right () or (1, columns): a scale that changed along k could not leave the sum.
    Wu et al. 2020 (arXiv 2004.09602), section 3.2. Example: 8 bits, scales 1/63.5 and 1/127:
    [[-1.54, 0.22]] @ [[0.35], [-0.51]] is [[-98, 14]] @ [[44], [-65]] = -5222, which is -0.6475.
    """
    whole = [
        quantize(matrix, scale, 0, *integers).to(torch.int64)
        for matrix, scale in ((left, left_scale), (right, right_scale))
    ]
    accumulators = whole[0] @ whole[1]
    return accumulators, dequantize(accumulators, left_scale * right_scale, 0)


def affine_terms(
    left: Tensor, right: Tensor, left_affine: tuple[float, float], right_affine: tuple[float, float]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The four terms of (s_a Q_a + b_a) @ (s_b Q_b + b_b), each (rows, columns), float64.

    left (rows, k) and right (k, columns) hold integers, each with its (scale, bias). In order:
    s_a s_b Q_a Q_b, then s_a b_b times the row sums of Q_a, s_b b_a times the column sums of Q_b,
    and k b_a b_b. The second needs the inputs at run time, which is why weights have no
    bias. Wu et al. 2020 (arXiv 2004.09602), section 3.3. Example: Q_a = [[1, 2]], Q_b = [[3], [4]],
    (0.5, 1) and (0.1, 2): 0.55, 3, 0.7 and 4, in all 8.25.
    """
    (left_scale, left_bias), (right_scale, right_bias) = left_affine, right_affine
    a, b = left.double(), right.double()
    rows, columns = len(a), b.shape[1]
    product = left_scale * right_scale * (a @ b)
    of_left = (left_scale * right_bias * a.sum(1, keepdim=True)).expand(rows, columns)
    of_right = (right_scale * left_bias * b.sum(0, keepdim=True)).expand(rows, columns)
    return product, of_left, of_right, a.new_full((rows, columns), left_bias * right_bias * len(b))
