"""ONNX files as modules: read, checked before anything is allocated, and walked in torch."""
