"""A model as a graph of ATen operators: load, fold, describe, run.

``qcore.graph.layer`` is free of torch; everything else here imports it.
"""
