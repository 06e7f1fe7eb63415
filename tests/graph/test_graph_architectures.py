"""The list of names that pages offer is the installed torchvision's."""

from __future__ import annotations

from qcore.graph.architectures import ARCHITECTURES
from qcore.graph.torchvision_import import import_torchvision


def test_equals_torchvision_s_list() -> None:
    models = import_torchvision().models
    assert list(ARCHITECTURES) == sorted(models.list_models(module=models))
