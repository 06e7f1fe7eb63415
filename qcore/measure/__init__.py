"""The true loss and accuracy of a quantized network."""
