"""Small networks as .pt2 files, and files that were changed by hand."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

from qcore.errors import BadInput
from qcore.graph.pt2.load import read_pt2

Entries = dict[str, bytes]
PROGRAM = "models/model.json"
WEIGHTS = "data/weights/model_weights_config.json"
CONSTANTS = "data/constants/model_constants_config.json"
SAMPLES = "data/sample_inputs/model.pt"
TITLE = "net.pt2"


class Small(nn.Module):
    """A buffer that is saved, one that is not, a constant, and a size that is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 2)
        self.register_buffer("scale", torch.tensor([2.0, 3.0]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.relu_(self.norm(self.conv(x))).mean((2, 3))
        y = self.fc(y) * self.scale + torch.tensor([0.5, 1.5])
        return y.reshape(x.shape[0] * 2, -1)


def saved(module: nn.Module, example: tuple[Any, ...], shapes: Any = None, **more: Any) -> bytes:
    """What torch.export.save writes for a module."""
    program = torch.export.export(module.eval(), example, dynamic_shapes=shapes, **more)
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    return buffer.getvalue()


def small_file() -> bytes:
    """``Small`` with a free batch between 2 and 100."""
    torch.manual_seed(0)
    batch = Dim("batch", min=2, max=100)
    return saved(Small(), (torch.zeros(2, 3, 8, 8),), ({0: batch},))


def unpack(content: bytes) -> Entries:
    """Entries by their names below the top folder."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist()}


def pack(entries: Entries, root: str = "net/") -> bytes:
    """A stored ZIP of entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in entries.items():
            archive.writestr(root + name, content)
    return buffer.getvalue()


def edited(content: bytes, entry: str, change: Callable[[Any], Any]) -> bytes:
    """The file with one JSON entry changed in place (or replaced by what ``change`` returns)."""
    entries = unpack(content)
    tree = json.loads(entries[entry])
    result = change(tree)
    entries[entry] = json.dumps(tree if result is None else result).encode()
    return pack(entries)


def write(folder: Path, content: bytes) -> Path:
    path = folder / "evil.pt2"
    path.write_bytes(content)
    return path


def refusal(path: Path) -> str:
    """The one line by which a file is refused."""
    with pytest.raises(BadInput) as caught:
        read_pt2(path, TITLE)
    message = str(caught.value)
    assert message.startswith(TITLE)
    assert "\n" not in message
    assert len(message) < 500
    return message
