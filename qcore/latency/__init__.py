"""Time a network on the machine that this runs on, layer by layer and whole."""
