"""Published weights come from a folder or a server, are checked, and their absence is said."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from weights_server import Server

from qcore.errors import BadInput
from qcore.graph import torchvision_download, torchvision_models
from qcore.graph.torchvision_import import import_torchvision
from qcore.graph.torchvision_models import build_pretrained

NAME = "squeezenet1_1"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[nn.Module, bytes]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        net = import_torchvision().models.get_model(NAME, weights=None).eval()
    path = tmp_path_factory.mktemp("weights") / "w.pth"
    torch.save(net.state_dict(), path)
    return net, path.read_bytes()


@pytest.fixture
def server(
    trained: tuple[nn.Module, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    one = Server(trained[1])
    monkeypatch.setattr(torchvision_download, "CONNECT_S", 0.4)
    monkeypatch.setattr(torchvision_download, "_failures", {})
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("BITDIAL_OFFLINE", raising=False)
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    yield one
    one.released.set()
    one.http.shutdown()
    one.http.server_close()


def publish(
    monkeypatch: pytest.MonkeyPatch, content: bytes, root: str, size_mb: float = 5.0
) -> str:
    """Let torchvision's default weights be at that server; the name of their file."""
    real = torchvision_models._default_weights(NAME)
    name = f"{NAME}-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    weights = SimpleNamespace(
        name=real.name,
        url=f"{root}/{name}",
        transforms=real.transforms,
        meta={**real.meta, "_file_size": size_mb},
    )
    monkeypatch.setattr(torchvision_models, "_default_weights", lambda _: weights)
    return name


def assert_random(reason: str) -> None:
    state = torch.random.get_rng_state()
    model = build_pretrained(NAME)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert model.random
    assert len(model.notes) == 1
    assert reason in model.notes[0]
    assert "sensitivity and accuracy mean nothing" in model.notes[0]
    assert f"torchvision:{NAME}@FILE" in model.notes[0]
    assert "\n" not in model.notes[0]
    again = build_pretrained(NAME).module.state_dict()
    for key, value in model.module.state_dict().items():
        assert torch.equal(again[key], value)


def test_downloaded_once_and_checked(
    server: Server,
    trained: tuple[nn.Module, bytes],
    store_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net, content = trained
    name = publish(monkeypatch, content, server.root)
    for _ in range(2):
        model = build_pretrained(NAME)
        assert not model.random
        assert model.notes[0].startswith("pretrained weights of torchvision, IMAGENET1K_V1")
        images = torch.rand(1, 3, 64, 64)
        with torch.no_grad():
            assert torch.equal(model.module(images), net(images))
        monkeypatch.setenv("BITDIAL_OFFLINE", "1")
    assert server.requests == 1
    assert [p.name for p in (store_home / "torchvision").iterdir()] == [name]


def test_found_in_the_cache_of_torch(
    server: Server,
    trained: tuple[nn.Module, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = publish(monkeypatch, trained[1], server.root)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(trained[1])
    assert not build_pretrained(NAME).random
    assert server.requests == 0
    (folder / name).write_bytes(trained[1][:-1])
    assert not build_pretrained(NAME).random
    assert server.requests == 1, "a damaged file is not used"


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        ("missing", "the server answers 404"),
        ("silent", "timed out"),
        ("drip", "too slow"),
        ("cut", "the file has SHA-256"),
    ],
)
def test_servers_that_fail(
    mode: str,
    reason: str,
    server: Server,
    trained: tuple[nn.Module, bytes],
    store_home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.mode = mode
    publish(monkeypatch, trained[1], server.root)
    assert_random(reason)
    assert server.requests == 1, "the failure is remembered"
    assert list((store_home / "torchvision").iterdir()) == []
    server.mode = "good"
    monkeypatch.setattr(torchvision_download, "REMEMBERED_S", 0.0)
    assert not build_pretrained(NAME).random


def test_wrong_hash(
    server: Server, trained: tuple[nn.Module, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, b"something else", server.root)
    assert_random("the file has SHA-256")


def test_larger_than_stated(
    server: Server, trained: tuple[nn.Module, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, trained[1], server.root, size_mb=1.0)
    assert_random("larger than the 2 MB expected")


def test_no_server(trained: tuple[nn.Module, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torchvision_download, "_failures", {})
    monkeypatch.delenv("BITDIAL_OFFLINE", raising=False)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    publish(monkeypatch, trained[1], f"http://127.0.0.1:{port}")
    assert_random("Connection refused")


def test_name_look_up_that_hangs(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, server.content, "http://nowhere.invalid")
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    assert_random("timed out")


def test_offline_by_choice(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, server.content, server.root)
    monkeypatch.setenv("BITDIAL_OFFLINE", "1")
    assert_random("BITDIAL_OFFLINE is set")
    assert server.requests == 0
    monkeypatch.setenv("BITDIAL_OFFLINE", "0")
    assert not build_pretrained(NAME).random


def test_every_published_file_has_a_hash_and_a_size() -> None:
    for name in torchvision_models.architectures():
        weights = torchvision_models._default_weights(name)
        assert torchvision_download._HASH.search(weights.url.rpartition("/")[2])
        assert torchvision_models._largest_bytes(weights) > 2**20


def test_transformer_of_518_pixels_is_built_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITDIAL_OFFLINE", "1")
    asked: list[int | None] = []

    def new_module(_: str, classes: int, image_px: int | None) -> nn.Module:
        asked.append(image_px)
        return nn.Linear(1, classes)

    monkeypatch.setattr(torchvision_models, "new_module", new_module)
    assert build_pretrained("vit_h_14").preprocessing.crop_px == (518, 518)
    assert asked == [518]


def test_unknown_architecture() -> None:
    with pytest.raises(BadInput, match="no classification network"):
        build_pretrained("resnet")
