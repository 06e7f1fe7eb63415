"""Import torchvision, also where its compiled operators do not fit the installed torch.

The wheel of torchvision from the package index is built for CUDA. On a CPU-only torch its C++
library does not load, so the detection operators are missing, and ``import torchvision`` stops at
``operator torchvision::nms does not exist`` because it registers fake kernels for them. No
classification network uses them: declaring their schemas is enough for the import to succeed.
"""

from __future__ import annotations

from types import ModuleType

import torch

_SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_library: torch.library.Library | None = None


def import_torchvision() -> ModuleType:
    """torchvision, with the two schemas declared first if (and only if) they are needed."""
    global _library
    try:
        import torchvision
    except RuntimeError as error:
        if "torchvision::nms" not in str(error) or _library is not None:
            raise
        # A reference is kept: the schemas vanish with the library object.
        _library = torch.library.Library("torchvision", "DEF")
        for schema in _SCHEMAS:
            _library.define(schema)
        import torchvision
    return torchvision  # type: ignore[no-any-return]
