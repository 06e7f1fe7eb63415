"""What the interaction-aware method did, in words."""

from __future__ import annotations

from qcore.allocate.interaction import InteractionResult


def interaction_words(found: InteractionResult) -> str:
    """A sentence or two; the tile's prediction counts no interactions."""
    if found.interaction_kept == 0:
        return (
            "Interactions change nothing: these images do not tell them from chance, so this is "
            "the integer program's answer."
        )
    part = f"Counting {100 * found.interaction_kept:.1f} % of the measured interactions"
    if found.moves == 0:
        return (
            f"{part}, no change of one or two layers lowers the predicted ΔL: this is the integer "
            "program's answer."
        )
    steps = "one change" if found.moves == 1 else f"{found.moves} changes"
    return (
        f"{part}, predicted ΔL falls from {found.start_loss:.4g} to {found.loss:.4g} by {steps}; "
        "the tile adds up layers alone."
    )
