"""Choose one option per layer: exactly, along a frontier, and by baselines."""

from qcore.allocate.baselines import random_allocations, uniform_allocations
from qcore.allocate.frontier import Frontier, frontier
from qcore.allocate.ilp import InfeasibleBudget, SolverTimeout, solve_ilp
from qcore.allocate.problem import Allocation, AllocationProblem, evaluate

__all__ = [
    "Allocation",
    "AllocationProblem",
    "Frontier",
    "InfeasibleBudget",
    "SolverTimeout",
    "evaluate",
    "frontier",
    "random_allocations",
    "solve_ilp",
    "uniform_allocations",
]
