"""Training: an accuracy that is reached, and a result that depends neither on interruptions nor on processes."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from harness.errors import OptionError
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS, Architecture
from harness.train import Augmentation, Job, Recipe, Teacher, train
from harness.train.checkpoint import FILE, TrainingState, load, save
from harness.train.examples import PlainExamples, augmented
from harness.train.export import RECORD, WEIGHTS, write_onnx
from harness.train.job import RunLocation
from harness.train.recipe import TrainingPrecision

DIGITS = DATA_SETS.get("digits")
TSS = BENCHMARKS.get("nats_tss")
ARCH = Architecture("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|nor_conv_3x3~1|none~2|")
RECIPE = Recipe(epochs=8, augmentation=Augmentation(label_smoothing=0.1))
SHORT = replace(RECIPE, epochs=3, augmentation=Augmentation(shift=1, mixup=0.2, random_erasing=0.2))


def location(out: Path, *, resume: bool = True) -> RunLocation:
    return RunLocation(out, torch.device("cpu"), Path("nowhere"), resume=resume)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    found = torch.load(folder / WEIGHTS, weights_only=True)
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A training on 897 digits, tested on the other 900."""
    out = tmp_path_factory.mktemp("trained")
    return train(Job(TSS, ARCH, DIGITS, RECIPE), location(out)), out


@pytest.mark.long
def test_eight_epochs_on_digits_reach_97_percent(trained):
    outcome, out = trained
    assert outcome.accuracy > 97
    record = json.loads((out / RECORD).read_text())
    assert record["accuracy"] == outcome.accuracy
    history = pd.read_csv(out / "history.csv")
    assert history["epoch"].tolist() == list(range(1, 9))
    assert history["learning_rate"].tolist() == pytest.approx([RECIPE.learning_rate_at(done) for done in range(1, 9)])


def test_the_state_dict_gives_the_network_back(trained):
    outcome, out = trained
    network = TSS.network(ARCH, DIGITS).eval()
    network.load_state_dict(weights(out))
    images = torch.randn(3, *DIGITS.shape, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network(images), outcome.network(images))


@pytest.mark.long
def test_the_onnx_file_computes_the_same_for_any_batch(trained, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    outcome, _ = trained
    path = write_onnx(outcome.network, DIGITS, tmp_path)
    session = onnxruntime.InferenceSession(str(path))
    for n in (1, 5):
        images = torch.randn(n, *DIGITS.shape, generator=torch.Generator().manual_seed(n))
        (logits,) = session.run(["logits"], {"images": images.numpy()})
        np.testing.assert_allclose(logits, outcome.network(images).detach().numpy(), rtol=1e-3, atol=1e-4)


def test_a_teacher_is_followed(trained, tmp_path):
    _, teacher = trained
    job = Job(TSS, ARCH, DIGITS, replace(SHORT, epochs=2, teacher=Teacher(str(teacher))))
    alone = replace(job, recipe=replace(job.recipe, teacher=None))
    taught = train(job, location(tmp_path / "taught")).history
    untaught = train(alone, location(tmp_path / "alone")).history
    # The teacher's loss is a cross-entropy of its own, about as large as the other.
    assert 1.5 * untaught[0]["loss"] < taught[0]["loss"] < 2.5 * untaught[0]["loss"]
    with pytest.raises(OptionError, match=r"was trained on digits, but the student is trained on cifar10"):
        train(replace(job, data_set=replace(DIGITS, name="cifar10")), location(tmp_path / "other"))


def test_in_bfloat16_products_are_rounded_and_weights_are_not(tmp_path, monkeypatch):
    seen = set()
    cross_entropy = torch.nn.functional.cross_entropy
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)  # as it is where nobody says otherwise

    def watched(outputs, classes):
        seen.add(outputs.dtype)
        assert not torch.backends.cudnn.allow_tf32
        return cross_entropy(outputs, classes)

    monkeypatch.setattr("harness.train.loop.F.cross_entropy", watched)
    rounded, exact = (
        train(Job(TSS, ARCH, DIGITS, replace(SHORT, precision=precision)), location(tmp_path / precision.value))
        for precision in (TrainingPrecision.bf16, TrainingPrecision.fp32)
    )
    assert seen == {torch.bfloat16, torch.float32}
    assert {value.dtype for value in rounded.network.parameters()} == {torch.float32}
    losses = [[row["loss"] for row in one.history] for one in (rounded, exact)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    with pytest.raises(OptionError, match=r"recipe.precision was bf16 and is now fp32"):
        train(Job(TSS, ARCH, DIGITS, SHORT), location(tmp_path / "bf16"))


def test_a_checkpoint_from_before_there_was_a_precision_goes_on(tmp_path):
    job = Job(TSS, ARCH, DIGITS, replace(SHORT, epochs=2))
    before = json.loads(job.description)
    del before["recipe"]["precision"]
    save(TrainingState(json.dumps(before), {}, {}, []), tmp_path)
    of = {one: replace(job, recipe=replace(job.recipe, precision=one)).description for one in TrainingPrecision}
    assert load(tmp_path, of[TrainingPrecision.fp32]) is not None
    assert load(tmp_path, of[TrainingPrecision.tf32]) is not None  # as GPUs did by themselves
    with pytest.raises(OptionError, match=r"recipe.precision was fp32 and is now bf16"):
        load(tmp_path, of[TrainingPrecision.bf16])


@pytest.mark.long
def test_a_killed_training_goes_on_as_if_nothing_had_happened(tmp_path):
    settings = ["recipe.epochs=3", "recipe.augmentation.mixup=0.2", "recipe.augmentation.random_erasing=0.2"]
    settings += ["recipe.augmentation.label_smoothing=0", "recipe.weight_decay=5e-4", "onnx=false"]
    out = tmp_path / "killed"
    command = [sys.executable, "-m", "harness.train", f"arch={ARCH}", f"out={out}", *settings]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        while not (out / FILE).is_file():
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not (out / WEIGHTS).exists()
    job = Job(TSS, ARCH, DIGITS, SHORT)
    resumed = train(job, location(out)).history
    straight = train(job, location(tmp_path / "straight")).history
    assert [row["loss"] for row in resumed] == [row["loss"] for row in straight]
    assert all(torch.equal(value, weights(out)[name]) for name, value in weights(tmp_path / "straight").items())


@pytest.mark.long
def test_two_processes_under_torchrun_train_what_one_trains(tmp_path):
    together, alone = tmp_path / "together", tmp_path / "alone"
    recipe = replace(SHORT, epochs=2, batch_size=32, shards=2)
    settings = ["recipe.epochs=2", "recipe.batch_size=32", "recipe.shards=2", "recipe.augmentation.mixup=0.2"]
    settings += ["recipe.augmentation.random_erasing=0.2", "recipe.augmentation.label_smoothing=0", "onnx=false"]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m"]
    command += ["harness.train", f"arch={ARCH}", f"out={together}", *settings]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    train(Job(TSS, ARCH, DIGITS, recipe), location(alone))
    found, expected = (pd.read_csv(folder / "history.csv") for folder in (together, alone))
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-4)
    parameters = dict(TSS.network(ARCH, DIGITS).named_parameters())
    for name in parameters:  # gradients are summed in another order; running statistics are means over processes
        torch.testing.assert_close(weights(together)[name], weights(alone)[name], rtol=1e-2, atol=1e-3)
    assert json.loads((together / RECORD).read_text())["processes"] == 2


@pytest.mark.long
def test_a_structure_of_an_open_space_trains_on_any_classes(tmp_path):
    space = BENCHMARKS.get("imagenet_mbv2")
    recipe = replace(RECIPE, epochs=2, learning_rate=0.02)
    outcome = train(Job(space, space.start, DIGITS, recipe), location(tmp_path))
    assert outcome.history[1]["loss"] < 0.9 * outcome.history[0]["loss"]  # 1.9 after 2.3; running statistics lag behind


def test_equal_seeds_give_equal_shards_and_each_image_comes_once():
    examples = PlainExamples.open(DIGITS, replace(SHORT, batch_size=100, shards=4), 0, Path("nowhere"))
    assert examples.n_steps == 2
    (first, second), again = list(examples.epoch(1, range(4))), next(iter(examples.epoch(1, [2])))
    assert all(torch.equal(a, b) for a, b in zip(first[2], again[0], strict=True))
    plain = replace(examples, recipe=replace(examples.recipe, augmentation=Augmentation()))
    images = torch.cat([images for step in plain.epoch(0, range(4)) for images, _ in step])
    distinct = len(torch.unique(torch.stack([plain_image.flatten() for plain_image in images]), dim=0))
    assert len(images) == 800
    assert distinct > 790  # a few digits of scikit-learn are equal
    assert not torch.equal(first[0][0], second[0][0])


def test_augmentation_keeps_probabilities_and_shifts_by_whole_pixels():
    rng = torch.Generator().manual_seed(0)
    images = torch.arange(25.0).reshape(1, 1, 5, 5).repeat(40, 1, 1, 1)
    classes = torch.eye(4)[torch.arange(40) % 4]
    moved, same = augmented(images, classes, Augmentation(shift=1), rng)
    assert torch.equal(same, classes)
    centres = {float(image[0, 2, 2]) for image in moved}
    assert centres == {6.0, 7.0, 8.0, 11.0, 12.0, 13.0, 16.0, 17.0, 18.0}
    _, smoothed = augmented(images, classes, Augmentation(label_smoothing=0.2), rng)
    assert smoothed[0].tolist() == pytest.approx([0.85, 0.05, 0.05, 0.05])
    mixed, probabilities = augmented(moved, classes, Augmentation(mixup=0.4), rng)
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(40))
    assert not torch.equal(mixed, moved)
    erased, _ = augmented(images, classes, Augmentation(random_erasing=0.5), rng)
    changed = (erased != images).flatten(1).float().mean(dim=1)
    assert 10 <= int((changed > 0).sum()) <= 30
    assert changed.max() <= 0.5
