"""The evaluators that predict, by name, and what rounding two layers at once adds."""

from __future__ import annotations

from qcore.agents.evaluator import EvaluatorName, PredictedEvaluator
from qcore.agents.setting import SearchSetting
from qcore.errors import BadInput
from qcore.sensitivity.projection.shrinkage import CrossTerms, cross_terms


def predicted_evaluator(setting: SearchSetting, name: EvaluatorName) -> PredictedEvaluator:
    """ "predicted" or "interaction". Raises BadInput as ``interactions_of``."""
    terms = interactions_of(setting) if name == "interaction" else None
    return PredictedEvaluator(setting.task, terms)


def interactions_of(setting: SearchSetting) -> CrossTerms:
    """Cross terms between the setting's cells, and the part of them to believe.

    Raises BadInput for tables without projections, for bits per kernel and for a budget of loss.
    """
    table = setting.table
    if table.projections is None:
        raise BadInput(
            "interactions of layers are known of projected tables alone; make one with "
            "--method projected"
        )
    if setting.kernels is not None:
        raise BadInput("interactions are known of layers, not of kernels; use predicted losses")
    if setting.task.saves:
        raise BadInput("a budget of loss adds up layers without interactions; use predicted losses")
    widths = [(width.bits, width.activation_bits) for width in table.config.widths]
    return cross_terms(table.projections, widths)
