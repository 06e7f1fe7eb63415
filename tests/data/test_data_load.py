"""References, samples, halves and fingerprints."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from data_common import HALF, level, load, reads, refusal, write_tree
from PIL import Image

from qcore.data.preprocess import Preprocessing
from qcore.samples import SAMPLES

SPLITS = ("calibration", "evaluation")
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (6, 3, 4, 4), dtype=np.uint8)
LABELS = np.array([0, 1, 2, 3, 4, 0])


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("sample:nothing", "no sample data are called 'nothing'; there are: fashion-cnn"),
        ("/nowhere/d.npz", "there are no data at '/nowhere/d.npz'"),
        ("", "there are no data at ''"),
        ("a\0b", "there are no data at 'ab'"),
        ("x" * 5000, "there are no data at '…xxx"),
        ("<b>bold</b>", "there are no data at '<b>bold</b>'"),
    ],
    ids=["unknown sample", "missing file", "empty text", "zero byte", "too long", "markup"],
)
def test_unknown_reference(reference: str, message: str) -> None:
    assert message in refusal(reference)


def test_another_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_text("1,2")
    assert "d.csv cannot be read as images; give a folder" in refusal(tmp_path / "d.csv")


@pytest.mark.parametrize("count", [2, 5, 6])
def test_halves(tmp_path: Path, count: int) -> None:
    np.savez(tmp_path / "d.npz", images=IMAGES[:count], labels=LABELS[:count])
    for start, split in enumerate(SPLITS):
        data = load(tmp_path / "d.npz", split=split, halved=True)
        assert np.array_equal(data.images.numpy(), IMAGES[:count][start::2])
        assert data.labels.tolist() == LABELS[:count][start::2].tolist()
        whole = load(tmp_path / "d.npz", split=split)
        assert np.array_equal(whole.images.numpy(), IMAGES[:count])


def test_one_image_has_no_halves(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.png": level(1)})
    with pytest.raises(ValueError, match="cannot be divided in two halves; give more images"):
        load(tmp_path / "a.png", halved=True)


def test_class_folders_are_divided_evenly(tmp_path: Path) -> None:
    write_tree(tmp_path / "d", {f"{c}/{i}.png": level(i) for c in range(5) for i in range(4)})
    for split in SPLITS:
        data = load(tmp_path / "d", split=split, halved=True)
        assert data.labels.bincount().tolist() == [2] * 5


def test_identical_content_has_one_fingerprint(tmp_path: Path) -> None:
    prints = []
    for number, arrays in enumerate(
        [
            {"images": IMAGES, "labels": LABELS},
            {"images": IMAGES, "labels": LABELS},
            {"images": IMAGES[::-1], "labels": LABELS},
            {"images": IMAGES, "labels": LABELS[::-1]},
            {"images": IMAGES},
            {"images": IMAGES.astype(np.float32)},
        ]
    ):
        np.savez(tmp_path / f"{number}.npz", **arrays)
        prints.append(load(tmp_path / f"{number}.npz").fingerprint())
    assert prints[0] == prints[1]
    assert len(set(prints)) == 5


def test_splits_of_fashion_cnn() -> None:
    """The arrays of the files, whatever ``halved`` says."""
    sample = SAMPLES["fashion-cnn"]
    network = reads(sample.preprocessing, classes=10)
    data = [load("sample:fashion-cnn", network, split, halved=True) for split in SPLITS]
    for one, path in zip(data, (sample.calibration, sample.evaluation), strict=True):
        arrays = np.load(path)
        assert np.array_equal(one.images.numpy(), arrays["images"])
        assert np.array_equal(one.labels.numpy(), arrays["labels"])
    assert [len(d) for d in data] == [1000, 2000]
    seen = data[0].batch(torch.tensor([3]))
    expected = (data[0].images[[3]].double() / 255 - 0.2860) / 0.3530
    assert seen.numpy() == pytest.approx(expected.numpy(), abs=1e-6)


def test_splits_of_efficientnet_lite0() -> None:
    """The pixels of the files: neither resized nor cropped."""
    sample = SAMPLES["efficientnet-lite0"]
    network = reads(sample.preprocessing, classes=1000)
    seen = []
    for split, path in zip(SPLITS, (sample.calibration, sample.evaluation), strict=True):
        data = load("sample:efficientnet-lite0", network, split, halved=True)
        files = sorted(f for f in path.iterdir() if f.suffix in (".jpg", ".png"))
        assert len(files) == len(data) == 64
        expected = [np.moveaxis(np.asarray(Image.open(f).convert("RGB")), 2, 0) for f in files]
        assert np.array_equal(data.images.numpy(), np.stack(expected))
        assert (data.labels, data.preprocessing) == (None, sample.preprocessing)
        seen.append({image.numpy().tobytes() for image in data.images})
    assert not seen[0] & seen[1]


def test_a_sample_for_a_network_of_ones_own() -> None:
    """The network's normalisation, not the sample's; photographs at the network's size."""
    own = Preprocessing(110, (96, 96), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    data = load("sample:efficientnet-lite0", reads(own))
    assert data.images.shape == (64, 3, 96, 96)
    assert data.preprocessing == own
    unknown = load("sample:efficientnet-lite0", reads(None, (3, 224, 224)))
    assert unknown.preprocessing == SAMPLES["efficientnet-lite0"].preprocessing
    assert "reads 3x4x4" in refusal("sample:fashion-cnn", reads(HALF))
