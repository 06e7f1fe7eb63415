"""The page Weights: which layers there are, what is in one, and what its kernels cost."""
