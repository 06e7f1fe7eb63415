"""A network saved and read again computes the same; what does not fit is listed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from state_dict_files import save
from torch import Tensor, nn

from qcore.data.preprocess import checked
from qcore.errors import BadInput
from qcore.graph import torchvision_fit, torchvision_models
from qcore.graph.state_dict import StateDict, read_state
from qcore.graph.torchvision_import import import_torchvision
from qcore.graph.torchvision_models import (
    architectures,
    build_with_state,
    guess_architectures,
)


@pytest.fixture(autouse=True)
def same_random_numbers() -> Iterator[None]:
    before = torch.random.get_rng_state()
    yield
    torch.random.set_rng_state(before)


def network(architecture: str, classes: int, **options: Any) -> nn.Module:
    torch.manual_seed(3)
    models = import_torchvision().models
    net: nn.Module = models.get_model(architecture, weights=None, num_classes=classes, **options)
    return net.eval()


def state_of(net: nn.Module) -> StateDict:
    return StateDict(dict(net.state_dict()), ())


def on_meta(architecture: str, classes: int, image_px: int | None = None) -> StateDict:
    return state_of(torchvision_fit.module_without_values(architecture, classes, image_px))


def save_as(state: dict[str, Tensor], path: Path, kind: str) -> Path:
    if kind == "nested":
        return save({"epoch": 9, "state_dict": {f"module.{k}": v for k, v in state.items()}}, path)
    return save(state, path, kind)


@pytest.mark.parametrize(
    ("architecture", "kind", "head"),
    [
        ("resnet18", "zip", "fc.weight"),
        ("mobilenet_v2", "legacy", "classifier.1.weight"),
        ("squeezenet1_0", "safetensors", "classifier.1.weight"),
        ("densenet121", "nested", "classifier.weight"),
        ("shufflenet_v2_x0_5", "zip", "fc.weight"),
        ("mnasnet0_5", "safetensors", "classifier.1.weight"),
        ("regnet_x_400mf", "nested", "fc.weight"),
        ("efficientnet_b0", "zip", "classifier.1.weight"),
        ("swin_t", "zip", "head.weight"),
    ],
)
def test_round_trip(architecture: str, kind: str, head: str, tmp_path: Path) -> None:
    net = network(architecture, 10)
    path = save_as(dict(net.state_dict()), tmp_path / "weights", kind)
    random = torch.random.get_rng_state()
    model = build_with_state(architecture, read_state(path, "weights"))
    assert torch.equal(torch.random.get_rng_state(), random)
    assert f"10 classes, read from {head!r}" in model.notes
    assert not model.random
    assert not model.module.training
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(model.module(images), net(images))


@pytest.mark.parametrize(
    ("architecture", "px", "auxiliary"), [("googlenet", 64, "aux1."), ("inception_v3", 96, "Aux")]
)
def test_auxiliary_heads_are_left_out(architecture: str, px: int, auxiliary: str) -> None:
    net = network(architecture, 7, init_weights=False, transform_input=True)
    state = state_of(net)
    assert any(key.startswith(auxiliary) for key in state.tensors)
    images = torch.rand(1, 3, px, px)
    with torch.no_grad():
        expected = net(images)
        model = build_with_state(architecture, state)
        assert torch.equal(model.module(images), expected)
        assert any("auxiliary heads" in note for note in model.notes)
        short = {k: v for k, v in state.tensors.items() if not k.startswith(("aux", "Aux"))}
        model = build_with_state(architecture, StateDict(short, ()))
        assert torch.equal(model.module(images), expected)
    assert not any("auxiliary heads" in note for note in model.notes)
    assert any("transform_input" in note for note in model.notes)


def test_without_counted_batches() -> None:
    net = network("resnet18", 10)
    old = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
    model = build_with_state("resnet18", StateDict(old, ("a note",)))
    assert model.notes[0] == "a note"
    assert torch.equal(model.module(torch.ones(1, 3, 64, 64)), net(torch.ones(1, 3, 64, 64)))


def test_old_names_of_densenet() -> None:
    net = network("densenet121", 10)
    old = {
        k.replace("norm1", "norm.1").replace("conv2", "conv.2") if "denselayer" in k else k: v
        for k, v in net.state_dict().items()
        if not k.endswith("num_batches_tracked")
    }
    assert any("denselayer1.norm.1.weight" in key for key in old)
    model = build_with_state("densenet121", StateDict(old, ()))
    assert torch.equal(model.module(torch.ones(1, 3, 64, 64)), net(torch.ones(1, 3, 64, 64)))


@pytest.mark.parametrize("architecture", architectures())
def test_every_architecture_fits_itself(architecture: str) -> None:
    fit = torchvision_fit.fit_state(architecture, on_meta(architecture, 10).tensors)
    assert fit.fits
    assert fit.classes == 10
    assert fit.agreement == 1
    weights = torchvision_models._default_weights(architecture)
    preprocessing = checked(torchvision_models._preprocessing(weights.transforms(), None))
    preset = weights.transforms()
    assert preprocessing.crop_px == (preset.crop_size[0],) * 2
    assert preprocessing.resize_px == preset.resize_size[0]
    assert preprocessing.interpolation == preset.interpolation.value
    assert (list(preprocessing.mean), list(preprocessing.std)) == (preset.mean, preset.std)


def test_transformer_for_larger_images() -> None:
    fit = torchvision_fit.fit_state("vit_b_16", on_meta("vit_b_16", 10, 384).tensors)
    assert fit.fits
    assert (fit.classes, fit.image_px, fit.head) == (10, 384, "heads.head.weight")
    preset = torchvision_models._default_weights("vit_b_16").transforms()
    preprocessing = checked(torchvision_models._preprocessing(preset, fit.image_px))
    assert preprocessing.crop_px == (384, 384)
    assert torchvision_fit.fit_state("vit_b_16", on_meta("vit_b_16", 5).tensors).image_px == 224


Change = Callable[[dict[str, Tensor]], object]


def changed(change: Change) -> StateDict:
    tensors = dict(network("squeezenet1_1", 10).state_dict())
    change(tensors)
    return StateDict(tensors, ())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("features.0.bias"), "1 missing tensor ('features.0.bias')"),
        (lambda s: s.update(extra=torch.zeros(1)), "1 unexpected tensor ('extra')"),
        (
            lambda s: s.update({"features.0.weight": torch.zeros(64, 1, 3, 3)}),
            "1 misshapen tensor ('features.0.weight' is 64 x 1 x 3 x 3, not 64 x 3 x 3 x 3)",
        ),
        (
            lambda s: s.update({"classifier.1.bias": torch.zeros(9)}),
            "1 misshapen tensor ('classifier.1.bias' is 9, not 10)",
        ),
        (
            lambda s: s.update({"features.0.bias": torch.zeros(64, dtype=torch.int8)}),
            "'features.0.bias' holds whole numbers",
        ),
        (
            lambda s: [s.pop(k) for k in list(s) if k.endswith("squeeze.bias")],
            "8 missing tensors ('features.3.squeeze.bias', 'features.4.squeeze.bias', "
            "'features.6.squeeze.bias', ...)",
        ),
        (lambda s: s.update({"<b>\n": torch.zeros(1)}), "'<b>\\\\n'"),
        (lambda s: s.update({"x" * 10_000: torch.zeros(1)}), "1 unexpected tensor ('xxxx"),
    ],
)
def test_what_does_not_fit_is_listed(change: Change, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        build_with_state("squeezenet1_1", changed(change))
    text = str(caught.value)
    assert message.replace("\\\\", "\\") in text
    assert text.startswith("the weights do not fit squeezenet1_1: ")
    assert "export the network" in text
    assert len(text.splitlines()) == 1
    assert len(text) < 600


def test_the_right_architecture_is_named() -> None:
    state = on_meta("resnet34", 10)
    assert guess_architectures(state)[0] == "resnet34"
    assert len(guess_architectures(state)) == 5
    assert len(guess_architectures(state, limit=2)) == 2
    for wrong in ("resnet18", "vgg11"):
        with pytest.raises(BadInput, match="they fit resnet34: give that name"):
            build_with_state(wrong, state)


def test_a_changed_network_has_close_ones() -> None:
    tensors = on_meta("resnet50", 10).tensors
    del tensors["fc.weight"]
    assert guess_architectures(StateDict(tensors, ()))[0] == "resnet50"
    with pytest.raises(BadInput, match=r"closest is resnet50, .*\.pt2"):
        build_with_state("densenet121", StateDict(tensors, ()))


def test_nothing_is_like_nothing() -> None:
    assert guess_architectures(StateDict({"fc.weight": torch.zeros(2, 2)}, ())) == ()


@pytest.mark.parametrize("name", ["", "resnet", "fasterrcnn_resnet50_fpn", "__class__"])
def test_unknown_architecture(name: str) -> None:
    with pytest.raises(BadInput, match="no classification network"):
        build_with_state(name, StateDict({}, ()))
