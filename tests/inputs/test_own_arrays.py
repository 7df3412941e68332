"""Data of a user's own in npz files: what is read, how it is standardised, and what is refused."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.errors import CorruptDataError, HarnessError, MissingDataError, OptionError
from harness.inputs import BatchRequest, DataOptions, InputKind, draw_batches, open_data_set
from harness.inputs.losses import IGNORED, LOSSES

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (12, 6, 6), dtype=np.uint8)
LABELS = np.arange(12) % 3


def saved(path: Path, **arrays: np.ndarray) -> str:
    np.savez(path / "data.npz", **arrays)
    return str(path / "data.npz")


def drawn(word: str, n: int = 4, options: DataOptions | None = None, loss: str | None = None, seed: int = 0):  # type: ignore[no-untyped-def]
    data_set = open_data_set(word, options or DataOptions(), loss)
    return data_set, draw_batches(data_set, BatchRequest(n_batches=2, batch_size=n, seed=seed))


def test_grey_images_are_standardised_by_their_own_mean_and_deviation(tmp_path):
    data_set, batches = drawn(saved(tmp_path, images=GREY, labels=LABELS), 6)
    assert (data_set.name, data_set.shape, data_set.n_classes) == ("data.npz", (1, 6, 6), 3)
    together = torch.cat([batch.images for batch in batches])
    assert together.shape == (12, 1, 6, 6)  # all twelve, each once
    assert torch.allclose(together.mean(), torch.tensor(0.0), atol=1e-5)
    assert torch.allclose(together.std(unbiased=False), torch.tensor(1.0), atol=1e-5)
    restored = together * data_set.std[0] + data_set.mean[0]
    assert sorted((restored * 255).round().sum(dim=(1, 2, 3)).tolist()) == sorted(GREY.sum(axis=(1, 2)).tolist())


def test_each_image_keeps_its_label(tmp_path):
    images = np.repeat(np.arange(12, dtype=np.uint8), 36).reshape(12, 6, 6)
    _, batches = drawn(saved(tmp_path, images=images, labels=np.arange(12)), 6, DataOptions(normalise=False))
    for batch in batches:
        assert torch.equal((batch.images[:, 0, 0, 0] * 255).round().long(), batch.targets)


def test_packed_and_stored_files_give_the_same_batches(tmp_path):
    images = RNG.integers(0, 256, (40, 5, 5, 16), dtype=np.uint8)  # 16 bands
    labels = np.arange(40) % 4
    np.savez(tmp_path / "data.npz", images=images, labels=labels)
    (tmp_path / "packed").mkdir()
    np.savez_compressed(tmp_path / "packed" / "data.npz", images=images, labels=labels)
    stored, packed = (drawn(str(path), 8)[1] for path in (tmp_path / "data.npz", tmp_path / "packed" / "data.npz"))
    assert stored.sha256 == packed.sha256
    assert stored.batches[0].images.shape == (8, 16, 5, 5)
    expected = (torch.from_numpy(images) / 255).reshape(-1, 16).mean(dim=0)
    assert np.allclose(open_data_set(str(tmp_path / "data.npz")).mean, expected, atol=1e-6)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_large_file_is_not_read_whole(tmp_path, save):
    images = np.zeros((3_000, 3, 64, 64), np.float32)  # 147 MB
    images[:, 0, 0, 0] = np.arange(3_000)
    save(tmp_path / "large.npz", images=images, labels=np.arange(3_000) % 5)
    del images
    tracemalloc.start()
    try:
        _, batches = drawn(str(tmp_path / "large.npz"), 16)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 30e6
    rows = torch.cat([batch.images[:, 0, 0, 0] for batch in batches]).long()
    assert torch.equal(rows % 5, torch.cat([batch.targets for batch in batches]))


def test_seeds_draw_different_images_and_the_same_ones_again(tmp_path):
    word = saved(tmp_path, images=GREY, labels=LABELS)
    one, again, other = (drawn(word, 3, seed=seed)[1].sha256 for seed in (0, 0, 1))
    assert one == again != other


def test_float_images_are_left_as_they_are_unless_told_otherwise(tmp_path):
    images = RNG.normal(5, 2, (12, 2, 4, 4)).astype(np.float64)
    word = saved(tmp_path, images=images, labels=LABELS)
    _, plain = drawn(word, 6)
    assert torch.allclose(torch.cat([b.images for b in plain]).sum(), torch.tensor(images.sum(), dtype=torch.float32))
    _, standardised = drawn(word, 6, DataOptions(normalise=True))
    together = torch.cat([batch.images for batch in standardised])
    assert torch.allclose(together.mean(dim=(0, 2, 3)), torch.zeros(2), atol=1e-5)
    _, given = drawn(word, 6, DataOptions(mean=(5.0,), std=(2.0,)))
    assert torch.allclose(torch.cat([b.images for b in given]).sum(), torch.tensor(((images - 5) / 2).sum()).float())


def test_float_labels_are_a_regression_with_squared_error(tmp_path):
    targets = RNG.normal(size=(12, 2))
    data_set, batches = drawn(saved(tmp_path, images=GREY, targets=targets), 6)
    assert (data_set.n_classes, data_set.classes(batches.batches[0].targets)) == (2, None)
    outputs = torch.zeros(6, 2)
    expected = (batches.batches[0].targets ** 2).mean()
    assert torch.equal(data_set.loss(outputs, batches.batches[0].targets), expected)
    with pytest.raises(ValueError, match=r"outputs \[6, 3\] and targets \[6, 2\]"):
        data_set.loss(torch.zeros(6, 3), batches.batches[0].targets)  # nothing is broadcast
    noise = draw_batches(data_set, BatchRequest(InputKind.noise, 1, 6))
    assert noise.batches[0].targets.shape == (6, 2)


def test_whole_numbers_with_mse_are_numbers(tmp_path):
    data_set, batches = drawn(saved(tmp_path, images=GREY, labels=LABELS), 6, loss="mse")
    assert data_set.n_classes == 1
    targets = batches.batches[0].targets
    assert targets.dtype is torch.float32
    assert torch.equal(data_set.loss(torch.ones(6, 1), targets), ((1 - targets) ** 2).mean())


def test_the_next_token_is_the_target_of_each(tmp_path):
    tokens = np.array([[1, 2, 3], [4, 5, 0]] * 2)
    data_set, batches = drawn(saved(tmp_path, tokens=tokens), 2)
    assert (data_set.n_classes, data_set.n_tokens, data_set.shape, data_set.has_indices) == (6, 6, (3,), True)
    for batch in batches:
        for row, target in zip(batch.images.tolist(), batch.targets.tolist(), strict=True):
            assert target == {1: [2, 3, IGNORED], 4: [5, 0, IGNORED]}[row[0]]
    # Equal logits of 6 tokens have the loss log 6, whatever the targets.
    loss = data_set.loss(torch.zeros(2, 3, 6), batches.batches[0].targets)
    assert torch.allclose(loss, torch.log(torch.tensor(6.0)))


def test_masked_targets_count_where_they_are_given(tmp_path):
    tokens = np.array([[1, 2], [3, 0]])
    targets = np.array([[IGNORED, 2], [IGNORED, IGNORED]])
    data_set = open_data_set(saved(tmp_path, tokens=tokens, targets=targets))
    logits = torch.zeros(2, 2, 4)
    logits[0, 1, 2] = 1.0  # the only position that counts: -log(e / (e + 3))
    expected = -torch.log(torch.e / (torch.tensor(torch.e) + 3))
    assert torch.allclose(data_set.loss(logits, torch.from_numpy(targets)), expected)
    assert data_set.loss(logits[1:], torch.from_numpy(targets[1:])) == 0


def test_sequences_with_classes(tmp_path):
    tokens = RNG.integers(0, 50, (12, 7))
    data_set, batches = drawn(saved(tmp_path, tokens=tokens, labels=LABELS), 6)
    assert (data_set.n_classes, data_set.n_tokens) == (3, tokens.max() + 1)
    assert data_set.classes(batches.batches[0].targets) is not None
    noise = draw_batches(data_set, BatchRequest(InputKind.noise, 1, 6)).batches[0]
    assert noise.images.shape == (6, 7)
    assert torch.equal(noise.images, noise.images.round())


def test_a_loss_of_a_file_is_called_and_is_in_the_key(tmp_path):
    word = saved(tmp_path, images=GREY, labels=LABELS)
    code = tmp_path / "own_loss.py"
    code.write_text("def far(outputs, targets):\n    return (outputs.sum(1) - targets).abs().mean()\n")
    data_set, batches = drawn(word, 6, loss=f"{code}:far")
    targets = batches.batches[0].targets
    assert torch.equal(data_set.loss(torch.ones(6, 3), targets), (3 - targets).abs().float().mean())
    assert data_set.key != open_data_set(word).key
    assert "far@" in data_set.key


def test_keys_tell_shape_classes_and_loss(tmp_path):
    word = saved(tmp_path, images=GREY, labels=LABELS)
    assert open_data_set(word).key == "data.npz, 1 x 6 x 6, 3 outputs, cross_entropy"
    assert open_data_set(word, DataOptions(classes=7)).key == "data.npz, 1 x 6 x 6, 7 outputs, cross_entropy"


def test_nothing_is_unpickled(tmp_path):
    class Harm:
        def __reduce__(self):  # type: ignore[no-untyped-def]
            return (Path.touch, (tmp_path / "harm",))

    np.savez(tmp_path / "data.npz", images=np.array([Harm()] * 3, dtype=object), labels=np.arange(3))
    with pytest.raises(CorruptDataError, match="not a valid npz file"):
        open_data_set(str(tmp_path / "data.npz"))
    # Pickled objects that are not asked for do no harm, and are no obstacle.
    np.savez(tmp_path / "more.npz", images=GREY, labels=LABELS, names=np.array([Harm()], dtype=object))
    assert open_data_set(str(tmp_path / "more.npz")).n_classes == 3
    assert not (tmp_path / "harm").exists()


WRONG = {
    "no images": ({"x": GREY, "labels": LABELS}, r"holds labels, x; it must hold either images or tokens"),
    "no labels": ({"images": GREY}, r"it must hold labels or targets"),
    "other number": ({"images": GREY, "labels": LABELS[:5]}, r"has 12 images and 5 labels"),
    "negative": ({"images": GREY, "labels": LABELS - 1}, r"has labels from -1; they must be 0 or more"),
    "no classes": ({"images": GREY, "labels": LABELS * 10**7}, r"has labels up to 20,000,000"),
    "no rows": ({"images": GREY[:0], "labels": LABELS[:0]}, r"n above 0"),
    "integers": ({"images": GREY.astype(np.int32), "labels": LABELS}, r"must be uint8 .* or floats"),
    "channels first": (
        {"images": np.zeros((4, 3, 8, 8), np.uint8), "labels": LABELS[:4]},
        r"as if channels came first",
    ),
    "channels last": (
        {"images": np.zeros((4, 8, 8, 3), np.float32), "labels": LABELS[:4]},
        r"as if channels came last",
    ),
    "negative tokens": ({"tokens": np.array([[-1, 2]]), "labels": np.array([0])}, r"has tokens from -1"),
    "fractional tokens": ({"tokens": np.array([[0.5, 2]]), "labels": np.array([0])}, r"must be integers \[n, length\]"),
    "wrong targets": ({"tokens": np.array([[1, 2]]), "targets": np.array([[-7, 2]])}, r"has targets from -7"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arrays_end_in_one_sentence(tmp_path, case):
    arrays, message = WRONG[case]
    with pytest.raises(CorruptDataError, match=message) as error:
        open_data_set(saved(tmp_path, **arrays))
    assert str(error.value).isascii()
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_file_cut_short_is_refused(tmp_path, save):
    save(tmp_path / "whole.npz", images=GREY, labels=LABELS)
    content = (tmp_path / "whole.npz").read_bytes()
    (tmp_path / "data.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(CorruptDataError, match="not a valid npz file"):
        open_data_set(str(tmp_path / "data.npz"))


def test_images_that_are_not_finite_are_named(tmp_path):
    images = np.zeros((12, 1, 4, 4), np.float32)
    images[7, 0, 1, 1] = np.nan
    with pytest.raises(CorruptDataError, match=r"has inputs that are NaN or infinite, first in row 7"):
        drawn(saved(tmp_path, images=images, labels=LABELS), 6)


def test_options_that_do_not_fit_are_refused(tmp_path):
    word = saved(tmp_path, images=GREY, labels=LABELS)
    with pytest.raises(CorruptDataError, match=r"has labels up to 2; data\.classes=2 allows 0 to 1"):
        open_data_set(word, DataOptions(classes=2))
    with pytest.raises(OptionError, match=r"data\.mean has 2 numbers, but the images have 1 channels"):
        open_data_set(word, DataOptions(mean=(0.5, 0.5), std=(1.0,)))
    with pytest.raises(OptionError, match=r"data\.mean needs data\.std"):
        DataOptions(mean=(0.5,))
    with pytest.raises(OptionError, match=r"data\.std=\[0\.0\] is invalid"):
        DataOptions(mean=(0.5,), std=(0.0,))
    with pytest.raises(OptionError, match=r"No loss is called 'hinge'"):
        open_data_set(word, loss="hinge")
    with pytest.raises(OptionError, match=r"loss=next_token is invalid"):
        open_data_set(word, loss="next_token")
    with pytest.raises(OptionError, match=r"data\.size is for data of your own"):
        open_data_set("digits", DataOptions(size=(8,)))
    with pytest.raises(MissingDataError, match="There is no file"):
        open_data_set(str(tmp_path / "other.npz"))
    with pytest.raises(OptionError, match=r"need 128 inputs of data\.npz, but .* has 12\. Use protocol\.batch_size=6"):
        drawn(word, 64)


def test_every_loss_has_a_name_that_is_documented():
    text = (Path(__file__).parents[2] / "docs" / "howto" / "own_data.md").read_text()
    assert all(f"`{name}`" in text for name in LOSSES)


def test_errors_of_losses_in_files(tmp_path):
    word = saved(tmp_path, images=GREY, labels=LABELS)
    code = tmp_path / "faulty.py"
    fails = "def fails(outputs, targets):\n    return outputs.nothing()\n"
    code.write_text(fails + "def same(outputs, targets):\n    return outputs\n")
    with pytest.raises(HarnessError, match=r"raised AttributeError.*\(faulty\.py, line 2\)"):
        open_data_set(word, loss=f"{code}:fails").loss(torch.ones(2, 3), torch.zeros(2))
    with pytest.raises(OptionError, match=r"it gave a tensor of shape \[2, 3\]; it must give a tensor of one number"):
        open_data_set(word, loss=f"{code}:same").loss(torch.ones(2, 3), torch.zeros(2))
    with pytest.raises(HarnessError, match=r"it must name a function, as .*:fails"):
        open_data_set(word, loss=str(code))
    with pytest.raises(HarnessError, match=r"No function of .* is called 'fail'. Did you mean 'fails'"):
        open_data_set(word, loss=f"{code}:fail")
