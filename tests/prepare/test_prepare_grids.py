"""Levels and errors of every quantizer, as the page reads them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from small_nets import Residual, as_network, randomise
from torch import Tensor

from qcore.errors import BadInput
from qcore.jobs.questions import GridsQuestion
from qcore.prepare import grids as grids_module
from qcore.prepare.grids import write_grids
from qcore.prepare.grids_file import Grids, decibels, grids_file, read_grids, symmetric_grids
from qcore.prepare.prepare import write_weights
from qcore.prepare.prepared import Prepared, read_layer
from qcore.prepare.statistics import read_statistics
from qcore.quantize.grid import Grid, rounding_error
from qcore.quantize.limits import GRID_BITS
from qcore.quantize.quantizer_texts import DEFAULT_QUANTIZER, QUANTIZER_TEXTS
from qcore.quantize.registry import QUANTIZERS
from qcore.store.home import weights_file

LAYER = "first"


@pytest.fixture(scope="module")
def weighed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Prepared, Path]:
    """The network and the file of its weights, made once for all tests."""
    network = as_network(randomise(Residual(), 5))
    path = tmp_path_factory.mktemp("weighed") / "weights.safetensors"
    write_weights(network, path, lambda fraction, message: None)
    return Prepared(network.description, None, None), path


@pytest.fixture
def prepared(weighed: tuple[Prepared, Path], store_home: Path) -> Prepared:
    """With a copy of the file in the home of this test."""
    found, path = weighed
    shutil.copy(path, found.weights_path)
    return found


def question(prepared: Prepared, quantizer: str, layer: str = LAYER) -> GridsQuestion:
    return GridsQuestion("small", prepared.network.fingerprint, layer, quantizer)


def written(prepared: Prepared, quantizer: str) -> Grids:
    asked = question(prepared, quantizer)
    write_grids(asked)
    found = read_grids(asked)
    assert found is not None
    return found


@pytest.mark.parametrize("name", list(QUANTIZERS))
def test_errors_are_those_of_the_levels_on_the_weights(prepared: Prepared, name: str) -> None:
    rows = read_layer(prepared.weights_path, LAYER).astype(np.float64)
    found = written(prepared, name)
    assert (found.kernels is not None) == QUANTIZERS[name].per_kernel
    for column, bits in enumerate(GRID_BITS):
        levels = found.levels(bits, None)
        assert len(levels) <= 2**bits
        assert (np.diff(levels) >= 0).all()
        error = rounding_error(rows, Grid(levels))
        assert found.layer_clipped[column] == pytest.approx(error.clipped)
        if not QUANTIZER_TEXTS[name].nearest:
            assert found.layer_mse[column] > error.mean_squared
            continue
        assert found.layer_mse[column] == pytest.approx(error.mean_squared, rel=1e-4)
        for kernel, row in enumerate(rows):
            own = rounding_error(row, Grid(found.levels(bits, kernel)))
            mse = found.kernel_mse[kernel, column]
            assert mse == pytest.approx(own.mean_squared, rel=1e-4, abs=1e-12)
            assert found.kernel_clipped[kernel, column] == pytest.approx(own.clipped)


def test_the_default_needs_no_worker(prepared: Prepared) -> None:
    known = symmetric_grids(read_statistics(prepared.weights_path, LAYER))
    asked = written(prepared, DEFAULT_QUANTIZER)
    for bits in GRID_BITS:
        for kernel in (None, 0, 5):
            levels = known.levels(bits, kernel)
            assert levels == pytest.approx(asked.levels(bits, kernel), rel=1e-6, abs=1e-12)
    for part in ("layer_mse", "kernel_mse"):
        assert getattr(known, part) == pytest.approx(getattr(asked, part), rel=1e-3, abs=1e-12)


def test_zero_is_a_level_exactly_where_the_quantizer_has_one(prepared: Prepared) -> None:
    for name in ("symmetric", "affine"):
        found = written(prepared, name)
        for bits in GRID_BITS:
            for kernel in (None, *range(6)):
                assert 0.0 in found.levels(bits, kernel)


def test_progress_goes_over_the_bits(prepared: Prepared) -> None:
    seen: list[float] = []
    write_grids(question(prepared, "affine"), lambda fraction, message: seen.append(fraction))
    assert seen == [number / len(GRID_BITS) for number in range(len(GRID_BITS))]


def test_every_question_has_a_file_of_its_own(prepared: Prepared) -> None:
    asked = [question(prepared, q, la) for q in ("affine", "k-means") for la in ("first", "stem")]
    for one in asked:
        write_grids(one)
    assert len({grids_file(one) for one in asked}) == 4
    first = read_grids(asked[0])
    second = read_grids(asked[1])
    assert first is not None
    assert second is not None
    assert not np.array_equal(first.levels(4, None), second.levels(4, None))


def test_a_layer_s_name_is_no_path(prepared: Prepared, store_home: Path) -> None:
    path = grids_file(question(prepared, "affine", "../../outside"))
    assert path.parent == store_home / "grids"
    assert path.stem.isalnum()


@pytest.mark.parametrize(
    ("quantizer", "layer", "reason"),
    [("none such", LAYER, "choose one of symmetric"), ("affine", "nowhere", "no layer 'nowhere'")],
)
def test_refused(prepared: Prepared, quantizer: str, layer: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        write_grids(question(prepared, quantizer, layer))


def test_weights_that_are_gone(prepared: Prepared) -> None:
    prepared.weights_path.unlink()
    with pytest.raises(BadInput, match="open it again"):
        write_grids(question(prepared, "affine"))


@pytest.mark.parametrize("content", [None, b"", b"\x08\0\0\0\0\0\0\0{}      ", b"cut off"])
def test_a_damaged_file_is_none_and_is_written_again(
    prepared: Prepared, content: bytes | None
) -> None:
    asked = question(prepared, "affine")
    written(prepared, "affine")
    path = grids_file(asked)
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    assert read_grids(asked) is None
    path.unlink()
    assert read_grids(asked) is None
    assert written(prepared, "affine").layer_mse.all()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_those_seen_longest_ago_make_room(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [question(prepared, name) for name in ("affine", "symmetric-max", "symmetric-full")]
    for one in asked[:2]:
        write_grids(one)
    read_grids(asked[0])
    monkeypatch.setattr(grids_module, "MOST_BYTES", 2 * grids_file(asked[0]).stat().st_size + 999)
    write_grids(asked[2])
    assert [grids_file(one).exists() for one in asked] == [True, False, True]


def test_decibels() -> None:
    found = decibels(np.array([1.0, 1.0, 0.0, 4.0]), np.array([0.01, 0.0, 0.0, 4.0]))
    assert found == pytest.approx([20.0, np.nan, np.nan, 0.0], nan_ok=True)


@pytest.mark.parametrize("name", list(QUANTIZERS))
@pytest.mark.parametrize("rows", [torch.zeros(3, 5), torch.full((3, 5), 0.3)], ids=["0", "0.3"])
def test_weights_that_are_all_equal(name: str, rows: Tensor) -> None:
    asked = GridsQuestion("small", "network", LAYER, name)
    save_file({f"rows|{LAYER}": rows}, weights_file("network"))
    write_grids(asked)
    found = read_grids(asked)
    assert found is not None
    exact = rows.double().numpy()
    for column, bits in enumerate(GRID_BITS):
        for kernel in (None, 0, 2):
            levels = found.levels(bits, kernel)
            assert np.isfinite(levels).all()
            mse = found.layer_mse[column] if kernel is None else found.kernel_mse[kernel, column]
            error = rounding_error(exact, Grid(levels))
            assert mse == pytest.approx(error.mean_squared, rel=1e-4, abs=1e-12)
            assert error.clipped in (0.0, 1.0)
        assert found.layer_clipped[column] == rounding_error(exact, Grid(levels)).clipped
        if name == "k-means":
            assert levels.tolist() == [float(rows[0, 0])]
            assert not found.kernel_clipped.any()


def test_one_kernel_and_one_weight() -> None:
    network = as_network(torch.nn.Sequential(torch.nn.Conv2d(1, 1, 1), torch.nn.Flatten()), 1, 2)
    found = Prepared(network.description, None, None)
    write_weights(network, found.weights_path, lambda fraction, message: None)
    layer = network.description.layers[0].name
    for name in QUANTIZERS:
        asked = GridsQuestion("small", network.description.fingerprint, layer, name)
        write_grids(asked)
        grids = read_grids(asked)
        assert grids is not None
        assert all(np.isfinite(grids.levels(bits, 0)).all() for bits in GRID_BITS)
