"""Headers of .safetensors files that contradict the file."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from state_dict_files import HUGE, refused

from qcore.graph.state_dict import read_state

F32 = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


def safetensors(header: Any, data: bytes = b"\0" * 8, length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (safetensors({"a": F32}, length=2**63), "claims 9223372036854775808 bytes"),
        (safetensors({"a": F32}, length=10**6), "claims 1000000 bytes"),
        (safetensors({"a": F32, "b": {**F32, "data_offsets": [0, 8]}}), "overlap"),
        (safetensors({"a": {**F32, "data_offsets": [-8, 0]}}), "whole numbers"),
        (safetensors({"a": {**F32, "shape": [-1, -2]}}), "whole numbers"),
        (safetensors({"a": {**F32, "shape": [HUGE, HUGE]}}), "does not fit"),
        (safetensors({"a": {**F32, "data_offsets": [8, 0]}}), "does not fit"),
        (safetensors({"a": {**F32, "shape": [4], "data_offsets": [0, 16]}}), "beyond the end"),
        (safetensors({"a": {**F32, "dtype": "F8_E4M3"}}), "F8_E4M3"),
        (safetensors(b'{"a":%b,"a":%b}' % ((json.dumps(F32).encode(),) * 2)), "twice"),
        (safetensors({"a": {}}), "cannot be read"),
        (safetensors({"a": 3}), "cannot be read"),
        (safetensors(b"{" * 50), "cannot be read"),
        (safetensors(b'{"a":' * 100_000), "cannot be read"),
        (safetensors({}, b""), "no state dict"),
        (safetensors({"a": F32}, b"\0" * 80), "cannot be read"),
    ],
)
def test_safetensors_headers(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    assert message in refused(path)


def test_the_crafted_header_is_good_where_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(safetensors({"__metadata__": {"format": "pt"}, "a": F32}))
    assert torch.equal(read_state(path, "w").tensors["a"], torch.zeros(2))
