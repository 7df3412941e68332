"""MNIST's idx files: what they hold, and one sentence for each way of being damaged."""

import gzip
import hashlib
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.inputs.idx_files import read_idx
from benchmarks.inputs.mnist import MNIST
from harness.errors import CorruptDataError, MissingDataError
from harness.files.downloads import RemoteFile
from harness.inputs import BatchRequest, InputKind, draw_batches
from harness.inputs.archives import ImageFolder, fetch_archive

IMAGES = np.arange(3 * 784, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)


def idx(array: np.ndarray) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def write(home: Path, part: str = "train", labels: tuple[int, ...] = (7, 0, 9), *, zipped: bool = True) -> Path:
    """Both files of a part; the path of its images."""
    folder = home / "real" / "mnist"
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"images-idx3": idx(IMAGES), "labels-idx1": idx(np.array(labels, dtype=np.uint8))}
    for name, content in contents.items():
        path = folder / f"{part}-{name}-ubyte{'.gz' if zipped else ''}"
        path.write_bytes(gzip.compress(content) if zipped else content)
    return folder / f"{part}-images-idx3-ubyte{'.gz' if zipped else ''}"


@pytest.mark.parametrize("zipped", [True, False])
def test_images_and_labels_are_read(tmp_path, zipped):
    write(tmp_path, zipped=zipped)
    write(tmp_path, "t10k", labels=(1, 2, 3), zipped=zipped)
    found = MNIST.read(InputKind.real, tmp_path)
    np.testing.assert_array_equal(found.images, IMAGES[..., None])
    assert found.labels.tolist() == [7, 0, 9]
    assert found.source == "mnist: train idx files, cut small, not the published md5 (3 images)"
    assert MNIST.read_held_out(tmp_path).labels.tolist() == [1, 2, 3]
    assert MNIST.present(tmp_path) == {InputKind.real: tmp_path / "real" / "mnist"}
    batches = draw_batches(MNIST, BatchRequest(n_batches=1, batch_size=3), tmp_path)
    assert batches.batches[0].images.shape == (3, 1, 28, 28)


def test_what_is_missing_is_named_with_what_brings_it(tmp_path):
    assert MNIST.present(tmp_path) == {}
    with pytest.raises(MissingDataError, match=r"no train-images-idx3-ubyte, gzipped or not, in .*data fetch mnist"):
        MNIST.read(InputKind.real, tmp_path)
    write(tmp_path)
    with pytest.raises(MissingDataError, match="no t10k-images-idx3-ubyte"):
        MNIST.read_held_out(tmp_path)
    with pytest.raises(MissingDataError, match="no substitute images of mnist"):
        MNIST.read(InputKind.substitute, tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (idx(IMAGES[0, 0]), "magic number 2049; an idx file of this kind begins with 2051"),
        (b"\x89PNG" + bytes(100), r"magic number 2303741511; an idx file"),
        (b"", "magic number 0; an idx file"),
        (idx(IMAGES)[:10], "ends within its header"),
        (idx(IMAGES)[:1000], "announces 2,352 bytes of data but holds only 984"),
        (idx(IMAGES) + b"x", "announces 2,352 bytes of data but holds more"),
        (idx(IMAGES[:, :27]), "array of 3x27x28; expected 60000x28x28, or fewer"),
        (idx(IMAGES[:0]), "array of 0x28x28; expected 60000x28x28"),
        (bytes((0, 0, 8, 3)) + struct.pack(">3I", 2**32 - 1, 28, 28), "array of 4294967295x28x28; expected"),
    ],
)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_damaged_file_gets_one_sentence(tmp_path, content, reason, zipped):
    path = write(tmp_path, zipped=zipped)
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(CorruptDataError, match=reason) as raised:
        MNIST.read(InputKind.real, tmp_path)
    assert str(raised.value).startswith(str(path))
    assert str(raised.value).endswith("Fetch it again.")


def test_a_damaged_gzip_file_gets_one_sentence(tmp_path):
    path = write(tmp_path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    for content in (whole[: len(whole) // 2], b"no gzip at all", bytes(flipped)):
        path.write_bytes(content)
        with pytest.raises(CorruptDataError, match=r"train-images-idx3-ubyte\.gz (cannot be read to its end|begins)"):
            MNIST.read(InputKind.real, tmp_path)


def test_images_and_labels_must_belong_together(tmp_path):
    write(tmp_path, labels=(1, 2))
    with pytest.raises(CorruptDataError, match="3 images but 2 labels of train"):
        MNIST.read(InputKind.real, tmp_path)
    write(tmp_path, labels=(1, 2, 10))
    with pytest.raises(CorruptDataError, match="labels of train above 9"):
        MNIST.read(InputKind.real, tmp_path)


def test_the_md5_of_a_whole_file_is_checked(tmp_path):
    path = write(tmp_path)
    md5 = hashlib.md5(idx(IMAGES)).hexdigest()
    assert read_idx(path, (3, 28, 28), md5)[1]
    with pytest.raises(CorruptDataError, match="whole but not the published file: the md5 of its contents is not 0000"):
        read_idx(path, (3, 28, 28), "0000")


def test_the_published_test_set_is_whole(images_home):
    found = MNIST.read_held_out(images_home)
    assert found.source == "mnist: t10k idx files, published md5 (10,000 images)"
    assert found.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert np.bincount(found.labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    training = MNIST.read(InputKind.real, images_home)
    assert training.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert training.images.mean() / 255 == pytest.approx(MNIST.mean[0], abs=0.005)
    assert training.images.std() / 255 == pytest.approx(MNIST.std[0], abs=0.005)


def test_the_pinned_files_are_those_of_the_workspace(official):
    assert isinstance(MNIST.archive, ImageFolder)
    pinned = {Path(file.key).name: file for file in MNIST.archive.files}
    assert len(pinned) == 4
    for name in ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"):
        content = (official / "mnist" / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (pinned[name].sha256, pinned[name].n_bytes)


def test_single_files_are_fetched_into_their_folder(tmp_path, monkeypatch):
    contents = {"one.gz": b"first", "two.gz": b"second"}
    mirror = tmp_path / "mirror"
    (mirror / "owner").mkdir(parents=True)
    for name, content in contents.items():
        (mirror / "owner" / name).write_bytes(content)
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    files = tuple(
        RemoteFile(f"owner/{name}", "", hashlib.sha256(content).hexdigest(), len(content))
        for name, content in contents.items()
    )
    published, home, downloads = ImageFolder(files, "set"), tmp_path / "real", tmp_path / "downloads"
    (home / "set").mkdir(parents=True)
    (home / "set" / "one.gz").write_bytes(b"cut")
    said = fetch_archive(published, home, downloads)
    assert said == [
        f"Put 2 files into {home / 'set'}.",
        f"The previous contents were moved to {home / 'set.before-1'}.",
    ]
    assert {path.name: path.read_bytes() for path in (home / "set").iterdir()} == contents
    assert not downloads.exists()
    assert fetch_archive(published, home, downloads) == [f"{home / 'set'} is complete."]
    damaged = replace(published, files=(replace(files[0], sha256="0" * 64), files[1]))
    with pytest.raises(CorruptDataError, match="damaged or changed"):
        fetch_archive(damaged, home, downloads)
    assert {path.name: path.read_bytes() for path in (home / "set").iterdir()} == contents
