"""A folder of images as a data set: one subfolder for each class."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from harness.errors import CorruptDataError, MissingDataError, OptionError, UnknownNameError
from harness.inputs import BatchRequest, DataOptions, draw_batches, open_data_set


def picture(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    """Three cats of intensity 10, 20, 30 and three dogs of 110, 120, 130."""
    for kind, base in (("dog", 100), ("cat", 0)):
        for number in (1, 2, 3):
            picture(tmp_path / "animals" / kind / f"{number}.png", np.full((6, 8), base + 10 * number, np.uint8))
    return tmp_path / "animals"


def test_subfolders_are_classes_in_alphabetical_order(animals):
    data_set = open_data_set(f"{animals}/", DataOptions(normalise=False))
    assert (data_set.name, data_set.shape, data_set.n_classes) == ("animals/", (1, 6, 8), 2)
    (batch,) = draw_batches(data_set, BatchRequest(n_batches=1, batch_size=6))
    found = sorted(zip((batch.images[:, 0, 0, 0] * 255).round().tolist(), batch.targets.tolist(), strict=True))
    assert found == [(10, 0), (20, 0), (30, 0), (110, 1), (120, 1), (130, 1)]


def test_images_are_standardised_by_their_own_mean_and_deviation(animals):
    (batch,) = draw_batches(open_data_set(f"{animals}/"), BatchRequest(n_batches=1, batch_size=6))
    assert torch.allclose(batch.images.mean(), torch.tensor(0.0), atol=1e-5)
    assert torch.allclose(batch.images.std(unbiased=False), torch.tensor(1.0), atol=1e-4)


def test_one_image_in_colour_makes_all_so(animals):
    picture(animals / "cat" / "4.png", np.dstack([np.full((6, 8), v, np.uint8) for v in (1, 2, 3)]))
    data_set = open_data_set(f"{animals}/", DataOptions(normalise=False))
    assert data_set.shape == (3, 6, 8)
    (batch,) = draw_batches(data_set, BatchRequest(n_batches=1, batch_size=7))
    colours = (batch.images[:, :, 0, 0] * 255).round().tolist()
    assert [1, 2, 3] in colours
    assert [130, 130, 130] in colours


def test_images_of_other_sizes_need_a_size(animals):
    picture(animals / "dog" / "4.png", np.full((9, 9), 140, np.uint8))
    with pytest.raises(CorruptDataError, match=r"is 9 x 9 pixels, others of its folder 6 x 8; give data\.size=6"):
        draw_batches(open_data_set(f"{animals}/"), BatchRequest(n_batches=1, batch_size=7))
    for size, shape in (((4,), (1, 4, 4)), ((4, 5), (1, 4, 5))):
        data_set = open_data_set(f"{animals}/", DataOptions(size=size, normalise=False))
        (batch,) = draw_batches(data_set, BatchRequest(n_batches=1, batch_size=7))
        assert batch.images.shape == (7, *shape)
        assert 140 in (batch.images[:, 0, 0, 0] * 255).round().tolist()  # one intensity stays the same at any size


def test_folders_that_are_no_data_set(animals, tmp_path, monkeypatch):
    with pytest.raises(MissingDataError, match=r"neither the name of a data set nor a folder"):
        open_data_set(f"{tmp_path}/nothing/")
    with pytest.raises(CorruptDataError, match=r"has 0 subfolders; it must have two or more, one for each class"):
        open_data_set(f"{animals}/cat/")
    (animals / "fish").mkdir()
    (animals / "fish" / "notes.txt").write_text("no image")
    with pytest.raises(CorruptDataError, match=r"fish' has no images"):
        open_data_set(f"{animals}/")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownNameError, match=r"To take the folder, write dataset=animals/"):
        open_data_set("animals")
    (animals / "fish" / "notes.txt").unlink()
    (animals / "fish").rmdir()
    with pytest.raises(OptionError, match=r"data\.classes=1 is invalid"):
        open_data_set(f"{animals}/", DataOptions(classes=1))


def test_images_that_cannot_be_read_are_named(animals):
    (animals / "dog" / "2.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(CorruptDataError, match=r"2\.png' cannot be read as an image"):
        open_data_set(f"{animals}/")
    content = (animals / "dog" / "1.png").read_bytes()
    (animals / "dog" / "2.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptDataError, match=r"2\.png' cannot be read as an image"):
        draw_batches(open_data_set(f"{animals}/"), BatchRequest(n_batches=1, batch_size=6))


def test_a_folder_named_like_a_data_set_is_another_one(animals, tmp_path):
    animals.rename(tmp_path / "digits")
    data_set = open_data_set(f"{tmp_path}/digits/")
    assert data_set.name == "digits/"
    assert data_set.key != "digits"
