"""What was saved is what is read, whatever the container, nesting and wrapper."""

from __future__ import annotations

import warnings
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from state_dict_files import save
from torch import Tensor, nn

from qcore.errors import BadInput
from qcore.graph.recipes import EXPORT_RECIPE
from qcore.graph.state_dict import StateDict, read_state

Weights = dict[str, Tensor]


def small_state() -> Weights:
    torch.manual_seed(5)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 3))
    return OrderedDict(net.state_dict())


def read(path: Path) -> StateDict:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_state(path, path.name)


def assert_same(found: Weights, expected: Weights) -> None:
    assert list(found) == list(expected) or found.keys() == expected.keys()
    for key, tensor in expected.items():
        assert found[key].dtype == tensor.dtype
        assert torch.equal(found[key], tensor), key
        assert type(found[key]) is Tensor
        assert not found[key].requires_grad


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.safetensors", "no suffix"])
def test_content_decides_not_the_name(kind: str, name: str, tmp_path: Path) -> None:
    state = read(save(small_state(), tmp_path / name, kind))
    assert_same(state.tensors, small_state())
    assert state.notes == ()


@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.parametrize(
    ("wrap", "note"),
    [
        (lambda s: {"epoch": 3, "state_dict": s, "best": torch.tensor(0.7)}, "'state_dict'"),
        (lambda s: {"model_state_dict": s, "optimizer": {"state": {0: s}}}, "'model_state_dict'"),
        (lambda s: {"ema": {k: v + 1 for k, v in s.items()}, "model": s}, "'model' of"),
        (lambda s: {"model_ema": s, "epoch": 1}, "'model_ema'"),
        (lambda s: {"net": s, "acc": 91.2}, "'net'"),
        (lambda s: {"model": {"state_dict": s}}, "'state_dict'"),
        (lambda s: {"my network": s, "args": {"lr": 0.1}}, "'my network'"),
    ],
)
def test_nested(wrap: Callable[[Weights], Any], note: str, kind: str, tmp_path: Path) -> None:
    state = read(save(wrap(small_state()), tmp_path / "c.pt", kind))
    assert_same(state.tensors, small_state())
    assert any(note in text for text in state.notes)


def test_averaged_weights_are_said_not_to_be_taken(tmp_path: Path) -> None:
    both = {"ema": small_state(), "model": small_state()}
    assert "not from 'ema'" in read(save(both, tmp_path / "c.pt")).notes[0]


def test_a_whole_training_checkpoint(tmp_path: Path) -> None:
    net = nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(net.parameters())
    net(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [30, 60])
    checkpoint = {
        "model": net.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": scheduler.state_dict(),
        "rng": torch.get_rng_state(),
        "names": ("a", "b"),
        "seed": 2**70,
        "milestones": Counter([1, 1, 2]),
        "size": torch.Size([1, 2]),
        "dtype": torch.float16,
        "device": torch.device("cpu"),
        "bytes": b"raw",
        "set": {1, 2},
    }
    assert_same(read(save(checkpoint, tmp_path / "c.pt")).tensors, dict(net.state_dict()))


@pytest.mark.parametrize(
    "prefix", ["module.", "_orig_mod.", "model.", "net.", "module._orig_mod.", "model.module."]
)
def test_prefixes(prefix: str, tmp_path: Path) -> None:
    state = {prefix + key: tensor for key, tensor in small_state().items()}
    found = read(save(state, tmp_path / "w.safetensors", "safetensors"))
    assert_same(found.tensors, small_state())
    assert len(found.notes) == prefix.count(".")
    assert found.notes[0] == f"prefix {prefix.partition('.')[0] + '.'!r} taken off all names"


def test_prefix_of_some_names_stays(tmp_path: Path) -> None:
    state = {"module.a": torch.zeros(2), "b": torch.zeros(2)}
    assert set(read(save(state, tmp_path / "w.pt")).tensors) == {"module.a", "b"}


def test_averaged_model_of_torch(tmp_path: Path) -> None:
    averaged = torch.optim.swa_utils.AveragedModel(nn.Linear(3, 2))
    found = read(save(averaged.state_dict(), tmp_path / "w.pt"))
    assert set(found.tensors) == {"weight", "bias"}


def test_what_is_no_tensor_is_left_out(tmp_path: Path) -> None:
    state = {**small_state(), "epoch": 3, "config": {"lr": 0.1}, "0._extra_state": None}
    assert_same(read(save(state, tmp_path / "w.pt")).tensors, small_state())


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_floats_become_float32(dtype: torch.dtype, kind: str, tmp_path: Path) -> None:
    values = torch.tensor([1.0, -2.5, 0.125])
    state = {"a": values.to(dtype), "b": values, "count": torch.tensor(7)}
    found = read(save(state, tmp_path / "w", kind))
    assert_same(found.tensors, {"a": values, "b": values, "count": torch.tensor(7)})
    name = str(dtype).removeprefix("torch.")
    assert found.notes == (f"1 tensor converted from {name} to float32",)


def test_parameters_views_and_tied_weights(tmp_path: Path) -> None:
    whole = torch.arange(12.0).reshape(3, 4)
    state = {
        "parameter": nn.Parameter(torch.ones(2)),
        "column": whole[:, 1],
        "transposed": whole.t(),
        "tied": whole,
        "scalar": torch.tensor(2.0),
        "none": torch.zeros(0, 3),
    }
    for kind in ("zip", "legacy"):
        found = read(save(state, tmp_path / kind, kind))
        assert_same(found.tensors, {k: v.detach() for k, v in state.items()})


def as_if_from_cuda(path: Path) -> None:
    """Change the place of every storage in a file of torch.save, as a CUDA machine writes it."""
    old, new = b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:1"
    if not zipfile.is_zipfile(path):
        assert old in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(old, new))
        return
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            if name.endswith("/data.pkl"):
                assert old in content
                content = content.replace(old, new)
            archive.writestr(name, content)


@pytest.mark.parametrize("kind", ["zip", "legacy"])
def test_saved_on_a_cuda_machine(kind: str, tmp_path: Path) -> None:
    path = save(small_state(), tmp_path / "w.pt", kind)
    as_if_from_cuda(path)
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):
            torch.load(path, weights_only=True)
    assert_same(read(path).tensors, small_state())


def test_names_are_text(tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>.weight"
    for kind in ("zip", "safetensors"):
        assert set(read(save({name: torch.ones(1)}, tmp_path / kind, kind)).tensors) == {name}


def test_two_sets_of_weights_are_not_chosen_from(tmp_path: Path) -> None:
    gan = {"generator": small_state(), "discriminator": small_state()}
    with pytest.raises(BadInput, match="2 sets of weights \\('generator', 'discriminator'\\)"):
        read(save(gan, tmp_path / "gan.pt"))


def test_the_recipe_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.AdaptiveAvgPool2d(1))
    lines = EXPORT_RECIPE.strip().splitlines()
    assert len(lines) == 3
    exec(EXPORT_RECIPE, {"model": model})
    exported = torch.export.load("model.pt2").module()
    images = torch.rand(5, 3, 224, 224)
    torch.testing.assert_close(exported(images), model.eval()(images))
