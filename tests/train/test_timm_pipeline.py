"""Training with timm's pipeline: image files in folders, its augmentation, and what it refuses."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from harness.errors import HarnessError, MissingDataError, OptionError
from harness.inputs import DATA_SETS
from harness.randomness import isolated
from harness.space import BENCHMARKS, Architecture
from harness.timm_import import import_timm
from harness.train import Augmentation, Job, Recipe, train
from harness.train.__main__ import main
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


def test_a_reader_that_is_killed_is_told_in_a_sentence(folder):
    class Killed:
        def __iter__(self):
            raise RuntimeError(
                "DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that\nmore text"
            )

    examples = replace(opened(folder), train=Killed(), test=Killed())
    for read in (lambda: examples.epoch(0, [0]), lambda: examples.tests(0, 1)):
        with pytest.raises(HarnessError, match=r"^A process that reads images has ended: .*signal.* /dev/shm"):
            next(read())


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


WORDS = (
    f"bench=nats_sss arch={ARCH} dataset=cifar10 recipe.pipeline=timm recipe.epochs=2 recipe.batch_size=8 workers=0 "
    "onnx=false"
).split()


def run_command(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["harness.train", *words])
    return main()


def test_the_command_trains_from_image_files(folder, tmp_path, monkeypatch, capsys):
    out = tmp_path / "trained"
    policy = ["recipe.augmentation.auto_augment=original", "recipe.augmentation.mixup=0.2"]
    assert run_command([*WORDS, f"data={folder}", f"out={out}", *policy], monkeypatch) == 0
    assert str(out) in capsys.readouterr().out
    record = json.loads((out / "run.json").read_text())
    assert (record["job"]["arch"], record["job"]["recipe"]["pipeline"]) == (ARCH, "timm")
    assert record["images"] == f"50 of {folder / 'train'}; tested on 20 of val"
    history = pd.read_csv(out / "history.csv")
    assert history["epoch"].tolist() == [1, 2]
    assert history["accuracy"].iloc[-1] == record["accuracy"]
    assert run_command([*WORDS, f"data={folder / 'train'}", f"out={tmp_path / 'other'}"], monkeypatch) == 2
    assert "There is no folder" in capsys.readouterr().err


def test_the_command_follows_a_teacher_of_timm(folder, tmp_path, monkeypatch):
    timm = import_timm("This test")
    made: list[tuple[str, bool, int]] = []
    create = timm.create_model

    def without_download(name: str, *, pretrained: bool, num_classes: int) -> torch.nn.Module:
        made.append((name, pretrained, num_classes))
        with isolated("teacher"):  # its weights need a network connection: drawn instead
            return create(name, pretrained=False, num_classes=num_classes)

    monkeypatch.setattr(timm, "create_model", without_download)
    teacher = ["recipe.teacher.source=timm:test_resnet.r160_in1k", "recipe.teacher.size=64"]
    losses = {}
    for name, words in {"alone": [], "followed": teacher}.items():
        assert run_command([*WORDS, f"data={folder}", f"out={tmp_path / name}", *words], monkeypatch) == 0
        losses[name] = pd.read_csv(tmp_path / name / "history.csv")["loss"]
    assert made == [("test_resnet.r160_in1k", True, N_CLASSES)]
    # A second cross-entropy with a teacher of nearly equal probabilities: about log 10 more.
    assert (losses["followed"] - losses["alone"]).to_numpy() == pytest.approx(np.log(N_CLASSES), abs=0.7)


def test_a_teacher_that_timm_does_not_have_is_one_sentence(folder, tmp_path, monkeypatch, capsys):
    words = [*WORDS, f"data={folder}", f"out={tmp_path / 'out'}", "recipe.teacher.source=timm:test_resnet.r999"]
    assert run_command(words, monkeypatch) == 2
    error = capsys.readouterr().err
    assert error.startswith("timm has no trained model called 'test_resnet.r999'. Similar: test_resnet.")
    assert error.count("\n") == 1
