"""ΔL of every layer at every bit width, with confidence intervals."""
