"""What a trust check found, in sentences. Free of torch."""

from __future__ import annotations

from qcore.measure.trust_errors import TrustErrors
from qcore.measure.trusted import TrustCheck

_RIGHT, _MOSTLY = 0.95, 0.8  # rank correlations
_FACTORS = 10.0  # from which on an error is better told as a factor than in per cent


SUM, INTERACTING = "Sum of ΔL", "With interactions"


def check_lines(check: TrustCheck) -> list[str]:
    """The errors of each prediction, what they are not of, and what the order is worth."""
    rank = check.rank_of_average_bits
    alone = "" if rank is None else f" Average bits alone give a rank correlation of {rank:.2f}."
    if not check.same_unit:
        order = order_text(check.additive.rank_correlation)
        return [f"This measure is not the loss: {order}.{alone}"]
    lines = [f"{SUM}: {errors_text(check.additive)}"]
    if check.interacting is not None:
        lines.append(f"{INTERACTING}: {errors_text(check.interacting)}")
    left_out = left_out_text(check.additive, check.unit, check.saturation)
    return [*lines, f"{left_out}{alone}".strip()]


def errors_text(errors: TrustErrors) -> str:
    """Example: ``Median error 12 %, at worst 1.6 times too low at 2.9 bits; the order is right
    (rank correlation 0.99).``"""
    order = order_text(errors.rank_correlation)
    if errors.median_error is None:
        return f"No measured loss is large and small enough to compare sizes; {order}."
    sizes = f"Median error {_percent(errors.median_error)}"
    if errors.worst_factor is not None and errors.compared > 1:
        side = "low" if errors.worst_is_low else "high"
        sizes += f", at worst {_times(errors.worst_factor)} times too {side}"
        sizes += f" at {errors.worst_bits:.1f} bits"
    if errors.not_positive:
        sizes += f", and {_count(errors.not_positive, 'prediction is', 'predictions are')} not "
        sizes += "above zero where there is a loss"
    return f"{sizes}; {order}."


def order_text(rank: float | None) -> str:
    """Example: ``the order is right (rank correlation 0.99)``."""
    if rank is None:
        return "there is no order to compare"
    how = "right" if rank >= _RIGHT else "mostly right" if rank >= _MOSTLY else "not to be trusted"
    return f"the order is {how} (rank correlation {rank:.2f})"


def left_out_text(errors: TrustErrors, unit: str, saturation: float | None) -> str:
    """What the errors are not of; empty where they are of all points.

    Example: ``1 configuration is left out: it loses more than 3.5 nats, half as much as pure
    guessing; no estimate holds there.``
    """
    parts = []
    if errors.unclear:
        whose = "its" if errors.unclear == 1 else "their"
        parts.append(
            f"{_left_out(errors.unclear)}: {whose} measured loss cannot be told from zero."
        )
    if errors.saturated and saturation is not None:
        verb = "it loses" if errors.saturated == 1 else "they lose"
        parts.append(
            f"{_left_out(errors.saturated)}: {verb} more than {saturation:.2g} {unit}, half as "
            "much as pure guessing; no estimate holds there."
        )
    return " ".join(parts)


def _left_out(number: int) -> str:
    return _count(number, "configuration is left out", "configurations are left out")


def _percent(share: float) -> str:
    if share >= _FACTORS:
        return f"{share:,.0f} times the loss itself"
    return f"{100 * share:.0f} %" if share >= 0.095 else f"{100 * share:.1f} %"


def _times(factor: float) -> str:
    digits = 2 if factor < 1.095 else 1 if factor < 9.95 else 0
    return f"{factor:,.{digits}f}"


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
