import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs.cifar10 import CIFAR10
from benchmarks.inputs.imagenet16_120 import IMAGENET16_120
from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.inputs import DATA_SETS, InputKind

REAL, SUBSTITUTE, NOISE = InputKind.real, InputKind.substitute, InputKind.noise


def _write_npz(home: Path, folder: str = "real", **arrays: np.ndarray) -> Path:
    path = home / folder / "cifar10.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays)
    return path


def _write_batch(home: Path, name: str = "data_batch_1", **entries: object) -> Path:
    path = home / "real" / "cifar-10-batches-py" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(entries, protocol=2))
    return path


def _pixels(n_images: int) -> np.ndarray:
    return np.arange(n_images * 3072, dtype=np.uint32).astype(np.uint8).reshape(n_images, 3072)


def test_every_registered_data_set_is_complete():
    assert {"ImageNet16-120", "cifar10", "cifar100", "digits"} <= set(DATA_SETS)
    for name in DATA_SETS:
        data_set = DATA_SETS.get(name)
        assert data_set.name == name
        assert (len(data_set.shape) != 3) == (name == "glue")  # tokens
        assert len(data_set.mean) == len(data_set.std) == (data_set.shape[0] if len(data_set.shape) == 3 else 0)
        as_it_is = set(data_set.mean) == {0.0} and set(data_set.std) == {1.0}  # no published normalisation
        assert as_it_is == (name in {"darcy", "ninapro"})
        assert as_it_is or all(0 < value < 1 for value in (*data_set.mean, *data_set.std))
        assert hash(data_set) == hash(replace(data_set))


def test_flat_channel_first_rows_become_channel_last_images(tmp_path):
    # Row-major [3, 32, 32]: value 0 is red at (0, 0), 33 red at (1, 1), 1024 green at (0, 0), 2048 + 32 blue at (1, 0).
    row = np.zeros(3072, dtype=np.uint8)
    row[[0, 33, 1024, 2080]] = 10, 11, 12, 13
    _write_batch(tmp_path, data=row[None], labels=[3])
    images = CIFAR10.read(REAL, tmp_path)
    assert images.images.shape == (1, 32, 32, 3)
    found = [tuple(images.images[0][place]) for place in ((0, 0), (1, 1), (1, 0))]
    assert found == [(10, 12, 0), (11, 0, 0), (0, 0, 13)]
    assert images.labels.tolist() == [3]


def test_as_many_official_files_as_there_are_are_joined_in_order(tmp_path):
    _write_batch(tmp_path, "data_batch_2", data=_pixels(2), labels=[5, 6])
    _write_batch(tmp_path, "data_batch_1", data=_pixels(1), labels=[4])
    _write_batch(tmp_path, "test_batch", data=_pixels(1), labels=[9])
    images = CIFAR10.read(REAL, tmp_path)
    assert images.labels.tolist() == [4, 5, 6]
    assert images.source == (
        "cifar-10-batches-py: data_batch_1, data_batch_2, "
        "of which data_batch_1, data_batch_2 cut small (not the published md5) (3 images)"
    )


def test_a_whole_file_with_another_md5_is_damaged(tmp_path):
    small = replace(CIFAR10, official=replace(CIFAR10.official, n_per_file=2))
    _write_batch(tmp_path, data=_pixels(2), labels=[0, 1])
    with pytest.raises(CorruptDataError, match="whole but not the published file: its md5 is not c99cafc"):
        small.read(REAL, tmp_path)


def test_the_official_folder_goes_before_the_npz_and_both_are_named(tmp_path):
    _write_npz(tmp_path, images=np.zeros((3, 32, 32, 3), np.uint8), labels=np.array([0, 1, 2]))
    assert CIFAR10.read(REAL, tmp_path).source == "real/cifar10.npz (3 images)"
    _write_batch(tmp_path, data=_pixels(1), labels=[7])
    assert CIFAR10.read(REAL, tmp_path).source.startswith("cifar-10-batches-py: data_batch_1")


def test_only_the_training_images_of_an_npz_are_read(tmp_path):
    images = np.arange(3 * 3072, dtype=np.uint32).astype(np.uint8).reshape(3, 32, 32, 3)
    _write_npz(tmp_path, images=images, labels=np.array([4, 5, 6], np.uint8), split=np.array([0, 1, 0]))
    found = CIFAR10.read(REAL, tmp_path)
    assert found.labels.tolist() == [4, 6]
    np.testing.assert_array_equal(found.images, images[[0, 2]])


def test_imagenet16_labels_count_from_one_and_only_120_classes_are_kept(tmp_path):
    path = tmp_path / "real" / "ImageNet16" / "train_data_batch_1"
    path.parent.mkdir(parents=True)
    data = np.arange(4 * 768, dtype=np.uint32).astype(np.uint8).reshape(4, 768)
    path.write_bytes(pickle.dumps({"data": data, "labels": [1, 120, 121, 1000], "mean": np.zeros(768)}, protocol=3))
    images = IMAGENET16_120.read(REAL, tmp_path)
    assert images.labels.tolist() == [0, 119]
    np.testing.assert_array_equal(images.images[1], data[1].reshape(3, 16, 16).transpose(1, 2, 0))


@pytest.mark.parametrize(
    "entries",
    [
        {"data": _pixels(2)},
        {"data": _pixels(2), "labels": [1]},
        {"data": _pixels(2).astype(np.float64), "labels": [1, 2]},
        {"data": _pixels(2)[:, :768], "labels": [1, 2]},
        {"data": _pixels(2), "labels": [1, 10]},
        {"data": _pixels(2), "labels": [-1, 1]},
        {"data": _pixels(2), "labels": [1, "two"]},
        {"data": "pixels", "labels": [1]},
    ],
)
def test_a_malformed_official_file_is_named(tmp_path, entries):
    _write_batch(tmp_path, **entries)
    with pytest.raises(CorruptDataError, match=r"data_batch_1 .*Fetch it again"):
        CIFAR10.read(REAL, tmp_path)


@pytest.mark.parametrize(
    "arrays",
    [
        {"images": np.zeros((2, 32, 32, 3), np.uint8)},
        {"images": np.zeros((2, 32, 32, 3), np.float32), "labels": np.array([0, 1])},
        {"images": np.zeros((2, 3, 32, 32), np.uint8), "labels": np.array([0, 1])},
        {"images": np.zeros((2, 32, 32, 3), np.uint8), "labels": np.array([0, 10])},
        {"images": np.zeros((2, 32, 32, 3), np.uint8), "labels": np.array([0, -1])},
        {"images": np.zeros((2, 32, 32, 3), np.uint8), "labels": np.array([0.0, 1.0])},
        {"images": np.zeros((2, 32, 32, 3), np.uint8), "labels": np.array([0, 1]), "split": np.array([0])},
        {"images": np.zeros((2, 32, 32, 3), np.uint8), "labels": np.array([0, 1]), "split": np.array([1, 1])},
        {"images": np.array([{}, {}], dtype=object), "labels": np.array([0, 1])},
        {"images": np.zeros((2, 32, 32, 3), np.uint8), "labels": np.array(0)},
    ],
)
def test_a_malformed_npz_is_named(tmp_path, arrays):
    _write_npz(tmp_path, **arrays)
    with pytest.raises(CorruptDataError, match=r"cifar10\.npz "):
        CIFAR10.read(REAL, tmp_path)


def test_truncated_files_are_named(tmp_path):
    path = _write_npz(tmp_path, images=np.zeros((9, 32, 32, 3), np.uint8), labels=np.zeros(9, np.int64))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CorruptDataError, match=r"cifar10\.npz is not a valid npz file"):
        CIFAR10.read(REAL, tmp_path)
    path = _write_batch(tmp_path, data=_pixels(3), labels=[0, 1, 2])
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(CorruptDataError, match="data_batch_1 is not a valid pickle"):
        CIFAR10.read(REAL, tmp_path)


def test_missing_images_name_the_folder_and_what_would_bring_them(tmp_path):
    with pytest.raises(MissingDataError) as raised:
        CIFAR10.read(REAL, tmp_path)
    assert str(raised.value) == (
        f"No images of cifar10 are in {tmp_path / 'real'}. "
        "Run `python -m harness.data fetch cifar10`, or use inputs=noise."
    )
    with pytest.raises(MissingDataError, match=r"image-net\.org.*real/ImageNet16"):
        IMAGENET16_120.read(REAL, tmp_path)
    with pytest.raises(MissingDataError, match=r"No substitute images are at .*cifar10\.npz\. Use inputs=noise"):
        CIFAR10.read(SUBSTITUTE, tmp_path)


def test_where_only_substitutes_lie_the_sentence_says_so(tmp_path):
    _write_npz(tmp_path, "substitute", images=np.zeros((1, 32, 32, 3), np.uint8), labels=np.array([0]))
    with pytest.raises(MissingDataError, match="or use inputs=substitute"):
        CIFAR10.read(REAL, tmp_path)
    found = CIFAR10.read(SUBSTITUTE, tmp_path)
    assert (found.kind, found.source) == (SUBSTITUTE, "substitute/cifar10.npz (1 images)")


def test_noise_has_no_files(tmp_path):
    with pytest.raises(OptionError, match="Noise has no images to read"):
        CIFAR10.read(NOISE, tmp_path)


def test_digits_are_embedded_and_their_constants_are_their_own(tmp_path):
    digits = DATA_SETS.get("digits")
    images = digits.read(REAL, tmp_path)
    channels, height, width = digits.shape
    assert images.images.shape == (len(images.labels), height, width, channels)
    assert images.images.max() == 255
    assert digits.mean[0] == pytest.approx((images.images / 255).mean(), abs=5e-5)
    assert digits.std[0] == pytest.approx((images.images / 255).std(), abs=5e-5)
    with pytest.raises(MissingDataError, match="no substitute images of digits"):
        digits.read(SUBSTITUTE, tmp_path)


@pytest.mark.parametrize(
    ("name", "kind", "n_images"),
    [("cifar10", REAL, 2000), ("cifar100", REAL, 982), ("ImageNet16-120", SUBSTITUTE, 2400)],
)
def test_the_images_of_this_workspace_are_read(images_home, name, kind, n_images):
    images = DATA_SETS.get(name).read(kind, images_home)
    assert len(images.images) == len(images.labels) == n_images
    # Natural images: every channel's mean lies near the data set's published one.
    means = images.images.mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(means, DATA_SETS.get(name).mean, atol=0.05)


@pytest.mark.parametrize(
    ("name", "folder", "given", "n_images"),
    [
        ("cifar10", "cifar-10-batches-py", "cifar-10-batches-py", 500),
        ("cifar100", "cifar-100-python", "cifar-100-python", 500),
        ("ImageNet16-120", "ImageNet16", "ImageNet16_layout", 600),
    ],
)
def test_the_official_formats_are_read(official, tmp_path, name, folder, given, n_images):
    shutil.copytree(official / given, tmp_path / "real" / folder)
    data_set = DATA_SETS.get(name)
    images = data_set.read(REAL, tmp_path)
    assert images.images.shape == (n_images, *data_set.shape[1:], 3)
    assert images.source.startswith(f"{folder}: ")
    assert images.source.endswith(f"cut small (not the published md5) ({n_images} images)")
    assert set(images.labels) <= set(range(data_set.n_classes))
    np.testing.assert_allclose(images.images.mean(axis=(0, 1, 2)) / 255, data_set.mean, atol=0.05)


def test_the_official_folder_and_the_npz_hold_the_same_images(official, images_home, tmp_path):
    # The npz was cut from the official files: it knows each image's batch and place there.
    shutil.copytree(official / "cifar-10-batches-py", tmp_path / "real" / "cifar-10-batches-py")
    batch = CIFAR10.read(REAL, tmp_path)
    known = {image.tobytes(): label for image, label in zip(batch.images, batch.labels, strict=True)}
    cut = CIFAR10.read(REAL, images_home)
    shared = [
        (known[key], label)
        for image, label in zip(cut.images, cut.labels, strict=True)
        if (key := image.tobytes()) in known
    ]
    assert shared
    assert all(official_label == label for official_label, label in shared)
