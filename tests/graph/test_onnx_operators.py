"""Every operator computes what ONNX Runtime computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx_cases import CASES, ELSEWHERE, IMAGE, Case, case
from onnx_common import assert_as_runtime, outputs_of, read

from qcore.graph.onnx_import.table import OPERATORS


def test_every_operator_has_a_case() -> None:
    assert {c.op for c in CASES} | ELSEWHERE == set(OPERATORS)
    assert len(OPERATORS) > 110


@pytest.mark.parametrize(
    ("tried", "opset"), [(c, n) for c in CASES for n in c.opsets], ids=lambda value: str(value)
)
def test_operator_computes_what_the_runtime_computes(
    tried: Case, opset: int, tmp_path: Path
) -> None:
    model, images = tried.model(opset)
    assert_as_runtime(model, tmp_path, *images)


def test_an_even_window_over_channels(tmp_path: Path) -> None:
    """ONNX Runtime refuses it: the sum is written out as in the specification."""
    model, (image,) = case("LRN", IMAGE, size=4, alpha=0.5, beta=0.6, bias=2.0).model(13)
    sums = np.stack([(image[:, max(0, c - 1) : c + 3] ** 2).sum(1) for c in range(4)], 1)
    (found,) = outputs_of(read(model, tmp_path).module, image)
    np.testing.assert_allclose(found, image / (2.0 + 0.5 / 4 * sums) ** 0.6, atol=1e-5)
