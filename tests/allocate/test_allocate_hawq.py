"""HAWQ-V3's nine programs for ResNet-18, and the configurations it published.

The numbers are those of HAWQ's notebook, the configurations those of its ``bit_config.py``
(github.com/Zhen-Dong/HAWQ, MIT; Yao et al. 2021, "HAWQ-V3: Dyadic Neural Network Quantization").
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, milp

from qcore.allocate import Allocation, AllocationProblem, solve_ilp
from qcore.allocate.lagrangian import solve_lagrangian

# Per layer, first and last left out: mean Hessian trace; squared change of the weights at 8 and at
# 4 bits; parameters in 2 ** 20; multiplications in millions; milliseconds on a T4 at 4 and 8 bits.
LAYERS = np.array(
    [
        (0.06857826, 0.0235, 6.743, 0.03515625, 115.605504, 0.21094404, 0.36189111),
        (0.03162379, 0.0125, 3.9691, 0.03515625, 115.605504, 0.21092674, 0.36211718),
        (0.03298575, 0.0102, 3.3281, 0.03515625, 115.605504, 0.21104113, 0.31141909),
        (0.01205663, 0.0082, 2.6796, 0.03515625, 115.605504, 0.21086851, 0.30454471),
        (0.02222431, 0.0145, 4.7277, 0.0703125, 57.802752, 0.13642465, 0.19184896),
        (0.00596336, 0.0344, 10.5966, 0.140625, 115.605504, 0.19167506, 0.38948934),
        (0.06931772, 0.0023, 0.6827, 0.0078125, 6.422528, 0.02532183, 0.0334169),
        (0.00807129, 0.0287, 9.0942, 0.140625, 115.605504, 0.19148203, 0.38904905),
        (0.00372905, 0.0148, 4.8857, 0.140625, 115.605504, 0.19142914, 0.3892859),
        (0.00530698, 0.0333, 10.7599, 0.28125, 57.802752, 0.11395316, 0.19134735),
        (0.00209011, 0.0682, 21.7546, 0.5625, 115.605504, 0.20556011, 0.34307431),
        (0.00737569, 0.0027, 0.8603, 0.03125, 6.422528, 0.01917474, 0.02802354),
        (0.00210454, 0.0448, 14.5324, 0.5625, 115.605504, 0.20566918, 0.34313329),
        (0.00151197, 0.0336, 10.9651, 0.5625, 115.605504, 0.20566509, 0.34310756),
        (0.00158041, 0.0576, 18.7706, 1.125, 57.802752, 0.13185102, 0.21117103),
        (0.00078146, 0.113, 36.4044, 2.25, 115.605504, 0.22287786, 0.37376585),
        (0.00451841, 0.0102, 3.1572, 0.125, 6.422528, 0.01790088, 0.02896843),
        (0.00098745, 0.0947, 29.6994, 2.25, 115.605504, 0.22304611, 0.37398187),
        (0.00072944, 0.0532, 17.4016, 2.25, 115.605504, 0.22286099, 0.37405185),
    ]
)
TRACE, CHANGE_8, CHANGE_4, PARAMETERS, MACS, MS_4, MS_8 = LAYERS.T
# The convolution beside a downsampling one has its input, and so its bits.
TIED = ((4, 6), (9, 11), (14, 16))
BITS = (8, 4)
COSTS = {
    "size": np.stack([PARAMETERS, PARAMETERS / 2], axis=1),  # MB
    "bops": np.stack([MACS / 16, MACS / 64], axis=1),
    "latency": np.stack([MS_8, MS_4], axis=1),
}
# Cost and share of the way from 4 to 8 bits -> bits of the layers in order, as published.
PUBLISHED = {
    ("size", 0.25): "8888888888888844444",
    ("size", 0.5): "8888888888888884844",
    ("size", 0.75): "8888888888888488884",
    ("bops", 0.25): "8884848444444444444",
    ("bops", 0.5): "8884888848884444444",
    ("bops", 0.75): "8888888848888484884",
    ("latency", 0.25): "8884848444444444444",
    ("latency", 0.5): "8888848848884484844",
    ("latency", 0.75): "8888888848888484884",
}


def program(name: str, share: float) -> AllocationProblem:
    loss = TRACE[:, None] * np.stack([CHANGE_8, CHANGE_4], axis=1)
    at_8, at_4 = COSTS[name].sum(axis=0)
    return AllocationProblem(loss, COSTS, {name: at_4 + share * (at_8 - at_4)}, TIED)


def bits(found: Allocation) -> str:
    return "".join(str(BITS[option]) for option in found.choice)


@pytest.mark.parametrize(("name", "share"), PUBLISHED)
def test_published_configurations_bit_for_bit(name, share):
    exact = solve_ilp(program(name, share))
    priced = solve_lagrangian(program(name, share))
    assert bits(exact) == bits(priced) == PUBLISHED[name, share]
    assert (exact.gap, priced.gap) == (0.0, 0.0)


@pytest.mark.parametrize(("name", "share"), PUBLISHED)
def test_least_loss_by_another_solver(name, share):
    problem = program(name, share)
    layers = len(problem.loss)
    one = np.kron(np.eye(layers), [1, 1])
    ties = np.zeros((len(TIED), 2 * layers))
    for row, (first, second) in zip(ties, TIED, strict=True):
        row[[2 * first, 2 * second]] = 1, -1
    cost, budget = problem.costs[name].reshape(1, -1), problem.budgets[name]
    oracle = milp(
        problem.loss.ravel(),
        constraints=[
            LinearConstraint(one, 1, 1),
            LinearConstraint(ties, 0, 0),
            LinearConstraint(cost, ub=budget),
        ],
        integrality=1,
        bounds=(0, 1),
        options={"mip_rel_gap": 0},
    )
    assert solve_ilp(problem).loss == pytest.approx(oracle.fun, rel=1e-9)


@pytest.mark.parametrize(
    ("share", "loss", "megabytes"),
    [(0.25, 0.11829958, 6.640625), (0.5, 0.07450593, 7.265625), (0.75, 0.03344059, 9.234375)],
)
def test_loss_and_size_of_the_size_programs(share, loss, megabytes):
    found = solve_ilp(program("size", share))
    assert found.loss == pytest.approx(loss, abs=5e-9)
    assert found.costs["size"] == megabytes
