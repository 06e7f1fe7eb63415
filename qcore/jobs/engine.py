"""Which answers are still right."""

ENGINE = 6
"""Part of every question: raise it when the same question would get other numbers."""
