"""Bitdial's engine: how many bits does each layer of a trained network need?

Importing this package imports nothing heavy. Modules that need torch import it themselves, so that
the browser process, which only draws, never has to.
"""
