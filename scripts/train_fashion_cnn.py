"""Train the sample Fashion-MNIST network and write its weights and image splits.

Writes three files into the output folder: ``weights.safetensors``, ``calibration.npz`` (from the
training images) and ``evaluation.npz`` (from the test images). Both splits hold ``images`` uint8
(n, 1, 28, 28) in 0..255 and ``labels`` uint8 (n,), with equally many images per class.
"""

from __future__ import annotations

import argparse
import gzip
import math
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from qcore.data.dataset import normalise  # noqa: E402
from qcore.graph.fashion_cnn import FashionCNN  # noqa: E402
from qcore.samples import SAMPLES  # noqa: E402

PREPROCESSING = SAMPLES["fashion-cnn"].preprocessing

IDX_IMAGES = 2051
IDX_LABELS = 2049


def read_idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read a gzipped idx file: images uint8 (n, 1, 28, 28) or labels uint8 (n,)."""
    raw = gzip.decompress(path.read_bytes())
    magic, count = (int(v) for v in np.frombuffer(raw, ">u4", 2))
    if magic == IDX_LABELS:
        return np.frombuffer(raw, np.uint8, count, offset=8)
    if magic != IDX_IMAGES:
        raise ValueError(f"{path.name}: unknown idx magic number {magic}")
    rows, cols = (int(v) for v in np.frombuffer(raw, ">u4", 2, offset=8))
    pixels = np.frombuffer(raw, np.uint8, count * rows * cols, offset=16)
    return pixels.reshape(count, 1, rows, cols)


def load_split(folder: Path, name: str) -> tuple[Tensor, Tensor]:
    """Load ``train`` or ``t10k``: images uint8 (n, 1, 28, 28) and labels int64 (n,)."""
    images = read_idx(folder / f"{name}-images-idx3-ubyte.gz").copy()
    labels = read_idx(folder / f"{name}-labels-idx1-ubyte.gz").astype(np.int64)
    return torch.from_numpy(images), torch.from_numpy(labels)


def augment(images: Tensor, generator: torch.Generator, shift: int = 2) -> Tensor:
    """Flip half of the images and shift each by up to ``shift`` pixels; keeps (n, 1, 28, 28)."""
    count, _, height, width = images.shape
    flip = torch.rand(count, generator=generator) < 0.5
    flipped = torch.where(flip[:, None, None, None], images.flip(3), images)
    padded = nn.functional.pad(flipped, (shift, shift, shift, shift))
    top = torch.randint(0, 2 * shift + 1, (count, 1, 1), generator=generator)
    left = torch.randint(0, 2 * shift + 1, (count, 1, 1), generator=generator)
    rows = top + torch.arange(height)[None, :, None]
    cols = left + torch.arange(width)[None, None, :]
    picked = padded[torch.arange(count)[:, None, None], 0, rows, cols]
    return picked[:, None]


def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Fraction (0..1) of uint8 images (n, 1, 28, 28) that the model labels correctly."""
    model.eval()
    hits = 0
    with torch.inference_mode():
        for start in range(0, len(images), 1000):
            logits = model(normalise(images[start : start + 1000], PREPROCESSING))
            hits += int((logits.argmax(1) == labels[start : start + 1000]).sum())
    return hits / len(images)


def weight_groups(model: nn.Module) -> list[dict[str, object]]:
    """Optimizer groups: weight decay for matrices and kernels, none for vectors."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": matrices, "weight_decay": 5e-4}, {"params": vectors, "weight_decay": 0.0}]


def train(
    images: Tensor, labels: Tensor, *, epochs: int, batch: int, rate: float, seed: int
) -> FashionCNN:
    """Train on uint8 images (n, 1, 28, 28) with SGD and a one-cycle rate; deterministic by seed."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed + 1)
    model = FashionCNN()
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    steps = math.ceil(len(images) / batch)
    optimizer = torch.optim.SGD(weight_groups(model), lr=rate, momentum=0.9, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=rate, epochs=epochs, steps_per_epoch=steps, pct_start=0.2
    )
    criterion = nn.CrossEntropyLoss(label_smoothing=0.05)
    for epoch in range(epochs):
        model.train()
        started, total = time.perf_counter(), 0.0
        for index in torch.split(torch.randperm(len(images), generator=generator), batch):
            x = normalise(augment(images[index], generator), PREPROCESSING)
            loss = criterion(model(x), labels[index])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(index)
        seconds = time.perf_counter() - started
        print(f"epoch {epoch + 1}/{epochs}: loss {total / len(images):.4f}, {seconds:.0f} s")
    return model


def balanced_indices(labels: Tensor, per_class: int, seed: int) -> Tensor:
    """Choose ``per_class`` positions of each class at random, in ascending order."""
    generator = torch.Generator().manual_seed(seed)
    chosen = []
    for label in range(10):
        members = torch.nonzero(labels == label).flatten()
        chosen.append(members[torch.randperm(len(members), generator=generator)[:per_class]])
    return torch.cat(chosen).sort().values


def save_split(path: Path, images: Tensor, labels: Tensor) -> None:
    """Write a compressed npz with images uint8 (n, 1, 28, 28) and labels uint8 (n,)."""
    arrays = {"images": images.numpy(), "labels": labels.numpy().astype(np.uint8)}
    np.savez_compressed(path, allow_pickle=False, **arrays)


def save_weights(path: Path, model: nn.Module, metadata: dict[str, str]) -> None:
    """Write the state dict with contiguous tensors and string metadata as safetensors."""
    state = {
        k: v.detach().clone(memory_format=torch.contiguous_format)
        for k, v in model.state_dict().items()
    }
    save_file(state, path, metadata=metadata)


def parse_args() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    parser.add_argument("--out", type=Path, default=ROOT / "assets" / "samples" / "fashion-cnn")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch", type=int, default=128, help="images per step")
    parser.add_argument("--rate", type=float, default=0.1, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    """Train, measure, and write the weights and both splits."""
    args = parse_args()
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)
    images, labels = load_split(args.data, "train")
    test_images, test_labels = load_split(args.data, "t10k")
    started = time.perf_counter()
    model = train(
        images, labels, epochs=args.epochs, batch=args.batch, rate=args.rate, seed=args.seed
    )
    seconds = time.perf_counter() - started
    full = accuracy(model, test_images, test_labels)
    calibration = balanced_indices(labels, 100, args.seed)
    evaluation = balanced_indices(test_labels, 200, args.seed)
    part = accuracy(model, test_images[evaluation], test_labels[evaluation])
    args.out.mkdir(parents=True, exist_ok=True)
    save_split(args.out / "calibration.npz", images[calibration], labels[calibration])
    save_split(args.out / "evaluation.npz", test_images[evaluation], test_labels[evaluation])
    metadata = {
        "accuracy_t10k": f"{full:.4f}",
        "accuracy_evaluation": f"{part:.4f}",
        "epochs": str(args.epochs),
        "seed": str(args.seed),
        "torch": str(torch.__version__),
    }
    save_weights(args.out / "weights.safetensors", model, metadata)
    print(f"t10k {full:.4f}, evaluation split {part:.4f}, trained in {seconds:.0f} s")


if __name__ == "__main__":
    main()
