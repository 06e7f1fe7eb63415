"""Choose one option per layer: exactly, by prices, along a frontier, and by baselines."""

from qcore.allocate.baselines import random_allocations, uniform_allocations
from qcore.allocate.frontier import Frontier, frontier
from qcore.allocate.greedy import greedy_accuracy, greedy_compression
from qcore.allocate.highs import SolverTimeout
from qcore.allocate.ilp import solve_ilp
from qcore.allocate.infeasible import InfeasibleBudget
from qcore.allocate.lagrangian import solve_lagrangian
from qcore.allocate.live_path import live_path
from qcore.allocate.problem import Allocation, AllocationProblem, evaluate

__all__ = [
    "Allocation",
    "AllocationProblem",
    "Frontier",
    "InfeasibleBudget",
    "SolverTimeout",
    "evaluate",
    "frontier",
    "greedy_accuracy",
    "greedy_compression",
    "live_path",
    "random_allocations",
    "solve_ilp",
    "solve_lagrangian",
    "uniform_allocations",
]
