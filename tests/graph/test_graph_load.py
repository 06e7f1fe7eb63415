"""References that cannot be used are refused in one line."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from small_nets import as_network, random_data
from torch import Tensor, nn

from qcore.errors import BadInput
from qcore.graph.load import load_network
from qcore.graph.torchvision_import import import_torchvision

ARCHITECTURE = "squeezenet1_1"


def squeezenet() -> nn.Module:
    torch.manual_seed(3)
    return import_torchvision().models.get_model(ARCHITECTURE, weights=None).eval()


class Head(nn.Module):
    """Something before a linear layer, and perhaps a condition after it."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.fc = kind, nn.Linear(192, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.fc(x.flatten(1))
        if self.kind == "depends on the data" and y.sum() > 0:
            y = y * 2
        return y


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (Head("depends on the data"), "cannot be exported"),
        (nn.Sequential(nn.ReLU(), nn.Flatten()), "no convolution or linear layer"),
        (nn.Sequential(nn.Flatten(), nn.Linear(5, 2)), "cannot be exported"),
    ],
    ids=["data-dependent", "no layer", "wrong input size"],
)
def test_unusable_module(module: nn.Module, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        as_network(module)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite(value: float) -> None:
    module = Head("")
    module.fc.weight.data[1, 2:4] = value
    with pytest.raises(BadInput, match=r"'fc\.weight' holds 2 values"):
        as_network(module)


def test_folding_that_overflows_is_refused() -> None:
    conv, norm = nn.Conv2d(3, 2, 8), nn.BatchNorm2d(2, eps=0.0)
    norm.running_var.fill_(0.0)
    with pytest.raises(BadInput, match="NaN or infinite"):
        as_network(nn.Sequential(conv, norm, nn.Flatten()))


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("sample:nothing", "there are: fashion-cnn"),
        ("torchvision:resnet", "no classification network 'resnet'"),
        ("torchvision:fasterrcnn_resnet50_fpn", "no classification network"),
        ("torchvision:", "cannot read a network"),
        ("torchvision:resnet18@", "cannot read a network"),
        ("torchvision:resnet18@missing.safetensors", "no file 'missing.safetensors'"),
        ("resnet18", "give sample:NAME"),
        ("", "give sample:NAME"),
    ],
)
def test_unusable_reference(reference: str, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        load_network(reference)
    assert message in str(caught.value)


class MarkerOnLoad:
    """Creates a file when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.marker),)


def break_file(kind: str, folder: Path) -> Path:
    good = folder / "good.safetensors"
    state = squeezenet().state_dict()
    save_file(state, good)
    path = folder / ("bad.pth" if "pickle" in kind or "pth" in kind else "bad.safetensors")
    if kind == "truncated safetensors":
        path.write_bytes(good.read_bytes()[:-1000])
    elif kind == "empty safetensors":
        path.touch()
    elif kind == "truncated pth":
        torch.save(state, path)
        path.write_bytes(path.read_bytes()[:-1000])
    elif kind == "pickle with code":
        path.write_bytes(pickle.dumps({"w": MarkerOnLoad(folder / "executed")}, protocol=2))
    elif kind == "torch pickle with code":
        torch.save({"w": MarkerOnLoad(folder / "executed")}, path)
    elif kind == "pth of a whole module":
        torch.save(squeezenet(), path)
    elif kind == "pth of a list":
        torch.save([torch.zeros(2)], path)
    elif kind == "pth with numbers as names":
        torch.save({0: torch.zeros(2), "a": torch.zeros(2)}, path)
    elif kind == "another network":
        save_file({"fc.weight": torch.zeros(2, 2)}, path)
    elif kind == "another shape":
        state["classifier.1.bias"] = torch.zeros(10)
        save_file(state, path)
    elif kind == "one tensor too many":
        save_file({**state, "extra": torch.zeros(1)}, path)
    elif kind == "NaN":
        state["classifier.1.bias"][3] = float("nan")
        save_file(state, path)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("truncated safetensors", "bad.safetensors"),
        ("empty safetensors", "is empty"),
        ("truncated pth", "bad.pth"),
        ("pickle with code", "bad.pth"),
        ("torch pickle with code", "holds pickled objects besides tensors"),
        ("pth of a whole module", "holds pickled objects besides tensors"),
        ("pth of a list", "holds no state dict"),
        ("pth with numbers as names", "holds no state dict"),
        ("another network", "missing tensors"),
        ("another shape", "1 misshapen tensor ('classifier.1.bias'"),
        ("one tensor too many", "1 unexpected tensor ('extra'"),
        ("NaN", "'classifier.1.bias' holds 1 values"),
    ],
)
def test_unusable_file(kind: str, message: str, tmp_path: Path) -> None:
    path = break_file(kind, tmp_path)
    with pytest.raises(BadInput) as caught:
        load_network(f"torchvision:{ARCHITECTURE}@{path}")
    assert message in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "executed").exists()


def test_state_dict_of_a_file_is_what_runs(tmp_path: Path) -> None:
    module = squeezenet()
    fingerprints = set()
    for name in ("weights.safetensors", "weights.pt"):
        path = tmp_path / name
        if path.suffix == ".pt":
            torch.save(module.state_dict(), path)
        else:
            save_file(module.state_dict(), path)
        network = load_network(f"torchvision:{ARCHITECTURE}@{path}")
        assert network.description.weights_note is None
        fingerprints.add(network.description.fingerprint)
    assert len(fingerprints) == 1
    images, n = random_data(1, (3, 224, 224)).images, network
    runner = n.runner()
    with torch.no_grad():
        torch.testing.assert_close(runner(images), module(images), rtol=1e-4, atol=1e-4)


def test_without_a_file_the_weights_are_said_to_be_random() -> None:
    state = torch.random.get_rng_state()
    network = load_network(f"torchvision:{ARCHITECTURE}")
    assert "random weights" in (network.description.weights_note or "")
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    path, module = tmp_path / "weights.safetensors", squeezenet()
    save_file(module.state_dict(), path)
    first = load_network(f"torchvision:{ARCHITECTURE}@{path}").description.fingerprint
    module.classifier[1].bias.data += 1
    save_file(module.state_dict(), path)
    os.utime(path, ns=(1, 10**18))
    assert load_network(f"torchvision:{ARCHITECTURE}@{path}").description.fingerprint != first
