"""ImageNet: photographs in the official folder, an npz, or the sample; their middle at 224 pixels."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.inputs.imagenet import IMAGENET
from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.inputs import BatchRequest, InputKind, draw_batches


def photographs(home, n_per_class=2):
    for place, wnid in enumerate(("n01440764", "n01443537")):
        folder = home / "real" / "ILSVRC2012" / "train" / wnid
        folder.mkdir(parents=True)
        for number in range(n_per_class):
            # Left half dark, right half bright, wider than high; the second class is the brighter one.
            pixels = np.full((300, 400, 3), 40 + 60 * place, dtype=np.uint8)
            pixels[:, 200:] += 100
            Image.fromarray(pixels).save(folder / f"{wnid}_{number}.JPEG", quality=95)
    return home


def test_the_official_folder_is_read_in_the_usual_class_order(tmp_path):
    home = photographs(tmp_path)
    images = IMAGENET.read(InputKind.real, home)
    assert images.labels.tolist() == [0, 0, 1, 1]
    assert images.source == "ILSVRC2012/train (4 images of 2 classes)"
    read = images.images[np.array([0, 3])]
    assert read.shape == (2, 224, 224, 3)
    # 300 pixels of height become 256, and the middle is cut: the edge between dark and bright stays in the middle.
    for image, dark in zip(read, (40, 100), strict=True):
        assert abs(int(image[:, :100].mean()) - dark) <= 2
        assert abs(int(image[:, 124:].mean()) - dark - 100) <= 2
    batches = draw_batches(IMAGENET, BatchRequest(InputKind.real, n_batches=2, batch_size=2), home)
    assert [tuple(batch.images.shape) for batch in batches] == [(2, 3, 224, 224)] * 2


def test_a_damaged_photograph_is_named(tmp_path):
    home = photographs(tmp_path)
    path = home / "real" / "ILSVRC2012" / "train" / "n01440764" / "n01440764_0.JPEG"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CorruptDataError, match=r"n01440764_0.JPEG is not a valid image"):
        _ = IMAGENET.read(InputKind.real, home).images[np.array([0])]


def test_without_images_the_folder_that_is_expected_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"real/ILSVRC2012/train/<wnid>/\*.JPEG, or use inputs=noise"):
        IMAGENET.read(InputKind.real, tmp_path)
    with pytest.raises(OptionError, match="Noise has no images"):
        IMAGENET.read(InputKind.noise, tmp_path)


def test_the_sample_is_found(images_home):
    images = IMAGENET.read(InputKind.real, images_home)
    if "sample" not in images.source:
        pytest.skip("there are other images of ImageNet")
    assert images.source == "other/imagenet_sample_224_64.npz (64 images)"
    assert len(set(np.asarray(images.labels[np.arange(64)]).tolist())) == 64
