"""Training with timm's pipeline: image files in folders, its augmentation, and what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from harness.errors import MissingDataError, OptionError
from harness.inputs import DATA_SETS
from harness.randomness import isolated
from harness.space import BENCHMARKS, Architecture
from harness.timm_import import import_timm
from harness.train import Augmentation, Job, Recipe, train
from harness.train.job import RunLocation
from harness.train.process_group import ProcessGroup
from harness.train.recipe import Pipeline
from harness.train.timm_library import TimmExamples

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # timm leaves its image files to be closed

CIFAR10 = DATA_SETS.get("cifar10")
SMALL = BENCHMARKS.get("nats_sss")
ARCH = Architecture("8:8:8:8:8")
N_CLASSES, N_EACH = 10, 5
AUGMENTATION = Augmentation(flip=True, label_smoothing=0.1, mixup=0.2, random_erasing=0.5, auto_augment="original")
RECIPE = Recipe(
    name="of_folders", pipeline=Pipeline.timm, epochs=3, warmup_epochs=1, batch_size=8, augmentation=AUGMENTATION
)


@pytest.fixture(scope="module", autouse=True)
def _timm():
    try:
        import_timm("This test", "timm.data")
    except MissingDataError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Ten classes, each a colour of its own with a little noise: five images to train on and two to test."""
    home = tmp_path_factory.mktemp("folders")
    rng = np.random.default_rng(0)
    for part, n in (("train", N_EACH), ("val", 2)):
        for label in range(N_CLASSES):
            where = home / part / f"class{label}"
            where.mkdir(parents=True)
            colour = np.array([label % 2, label // 2 % 2, label // 4]) * 110 + 15
            for number in range(n):
                image = np.clip(colour + rng.integers(-15, 15, (40, 36, 3)), 0, 255).astype(np.uint8)
                Image.fromarray(image).save(where / f"{number}.png")
    return home


def opened(folder: Path, recipe: Recipe = RECIPE, *, seed: int = 0) -> TimmExamples:
    return TimmExamples.open(CIFAR10, recipe, folder, ProcessGroup(), seed=seed, workers=0)


def test_a_network_is_trained_and_its_training_goes_on_where_it_stopped(folder, tmp_path):
    job = Job(SMALL, ARCH, CIFAR10, RECIPE)
    where = RunLocation(tmp_path / "whole", torch.device("cpu"), Path("nowhere"), data=folder, workers=0)
    whole = train(job, where)
    assert len(whole.history) == 3
    assert all(0 <= row["accuracy"] <= 100 and 0 < row["loss"] < 10 for row in whole.history)
    again = train(job, replace(where, out=tmp_path / "again"))
    assert [row["loss"] for row in again.history] == [row["loss"] for row in whole.history]
    continued = train(job, where)  # all epochs are done: the checkpoint is the result
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, continued.network.state_dict()[name])


def test_epochs_depend_on_seed_and_number_alone(folder):
    examples = opened(folder)
    assert examples.n_steps == N_CLASSES * N_EACH // 8
    assert "50 of" in examples.source
    first = [shard for (shard,) in examples.epoch(0, [0])]
    with isolated("elsewhere"):
        torch.rand(7)
        again = [shard for (shard,) in examples.epoch(0, [0])]
    for one, other in zip(first, again, strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])
    others = next(iter(examples.epoch(1, [0])))[0][0]
    seeded = next(iter(opened(folder, seed=1).epoch(0, [0])))[0][0]
    assert not torch.equal(first[0][0], others)
    assert not torch.equal(first[0][0], seeded)


def test_shards_have_the_shape_of_the_data_and_targets_are_probabilities(folder):
    examples = opened(folder, replace(RECIPE, batch_size=4, shards=2))
    for shards in examples.epoch(0, [0, 1]):
        assert len(shards) == 2
        for images, targets in shards:
            assert images.shape == (4, *CIFAR10.shape)
            assert images.dtype == torch.float32
            assert targets.shape == (4, N_CLASSES)
            torch.testing.assert_close(targets.sum(dim=1), torch.ones(4))


def test_without_mixup_labels_are_smoothed_alone(folder):
    plain = replace(AUGMENTATION, mixup=0.0)
    ((_, targets),) = next(iter(opened(folder, replace(RECIPE, augmentation=plain)).epoch(0, [0])))
    expected = torch.full((8, N_CLASSES), 0.1 / N_CLASSES).scatter(1, targets.argmax(1, keepdim=True), 0.9 + 0.01)
    torch.testing.assert_close(targets, expected)


def test_every_test_image_is_seen_once_and_standardised(folder):
    found = list(opened(folder).tests(0, 1))
    classes = torch.cat([labels for _, labels in found])
    assert torch.bincount(classes, minlength=N_CLASSES).tolist() == [2] * N_CLASSES
    first = found[0][0][0]  # class 0: intensities about 15 of 255 in every channel
    mean, std = torch.tensor(CIFAR10.mean), torch.tensor(CIFAR10.std)
    torch.testing.assert_close(first.mean(dim=(1, 2)), (15 / 255 - mean) / std, atol=0.1, rtol=0)


@pytest.mark.parametrize(
    ("recipe", "sentence"),
    [
        (
            replace(RECIPE, batch_size=7),
            r"^recipe\.batch_size=7 is invalid with recipe\.pipeline=timm: .* be even",
        ),
        (replace(RECIPE, batch_size=64), r"^A step of 64 images is invalid: there are 50 training images; reduce "),
    ],
)
def test_recipes_that_cannot_run_are_refused(folder, recipe, sentence):
    with pytest.raises(OptionError, match=sentence):
        opened(folder, recipe)


def test_a_folder_with_other_classes_is_refused(folder):
    with pytest.raises(OptionError, match=r"train has 10 class folders; cifar100 has 100\.$"):
        TimmExamples.open(DATA_SETS.get("cifar100"), RECIPE, folder, ProcessGroup(), seed=0, workers=0)
