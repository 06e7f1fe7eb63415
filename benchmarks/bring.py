"""What a visitor waits for who brings a network and photographs."""

from __future__ import annotations

import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure

_BOX = "input[type=file]"


def bench_bring(page: Any, url: str) -> Iterator[Figure]:
    """EfficientNet-Lite0 as .onnx (18.7 MB) and its sample's 128 photographs as a ZIP, dropped on
    the pages; beside them what the engine alone takes."""
    with tempfile.TemporaryDirectory() as folder:
        network, photographs = _network(Path(folder)), _photographs(Path(folder))
        page.goto(url)
        page.get_by_text("Your own network").wait_for()
        started = time.perf_counter()
        page.set_input_files(_BOX, network)
        page.get_by_text("Where weights and work are").wait_for()
        opened = time.perf_counter() - started
        alone = _alone(network)
        yield Figure(
            "efficientnet-lite0.onnx dropped to its layers",
            f"{opened:.1f} s",
            f"loading in the engine alone {alone:.1f} s",
        )
        page.get_by_role("link", name="Next: bring images").click()
        page.get_by_text("Drop images of your own").wait_for()
        started = time.perf_counter()
        page.set_input_files(_BOX, photographs)
        page.get_by_text("What the network sees").wait_for()
        yield Figure(
            "ZIP of 128 photographs dropped to the report on them",
            f"{time.perf_counter() - started:.1f} s",
        )


def _network(folder: Path) -> Path:
    import torch

    from qcore.samples import build_sample

    path = folder / "efficientnet-lite0.onnx"
    images = torch.zeros(1, 3, 224, 224)
    module = build_sample("efficientnet-lite0")
    torch.onnx.export(module, (images,), str(path), dynamo=False, opset_version=17)
    return path


def _photographs(folder: Path) -> Path:
    from qcore.samples import SAMPLES

    sample = SAMPLES["efficientnet-lite0"]
    path = folder / "photographs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in (sample.calibration, sample.evaluation):
            for file in sorted(part.glob("*.jpg")):
                archive.write(file, f"{part.name}-{file.name}")
    return path


def _alone(network: Path) -> float:
    from qcore.graph.load import load_network

    started = time.perf_counter()
    load_network(str(network))
    return time.perf_counter() - started
