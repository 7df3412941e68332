"""Mistakes with `python -m harness.train`: one sentence, exit code 2, and what was trained stays."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.cli.commands import COMMANDS
from harness.cli.compose import composed_configs
from harness.cli.words import as_hydra_reads
from harness.inputs import DATA_SETS
from harness.space import BENCHMARKS, Architecture
from harness.train import Augmentation, Job, Recipe, train
from harness.train.__main__ import main
from harness.train.checkpoint import FILE
from harness.train.job import RunLocation

ARCH = "|nor_conv_1x1~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"
STRUCTURE = BENCHMARKS.get("imagenet_mbv2").start

MISTAKES = {
    "no architecture": ([], "Give arch=: an architecture of nats_tss, as '|avg_pool_3x3~0|"),
    "unknown architecture": (["arch=|conv~0|"], "'|conv~0|' is not an architecture of nats_tss; an example is"),
    "unknown index": (
        ["arch=15625"],
        "nats_tss has no architecture 15625; its indices are 0 to 15624, and a string such as",
    ),
    "unknown block": (
        ["bench=imagenet_mbv2", f"arch={STRUCTURE.replace('E6K3', 'E5K3')}"],
        "No block of imagenet_mbv2 is called 'SuperResIDWE5K3'. Did you mean",
    ),
    "infeasible width": (
        ["bench=imagenet_mbv2", f"arch={STRUCTURE.replace('(8,32,', '(8,36,')}"],
        "SuperResIDWE6K3 has 36 channels; it must be a multiple of 8 from 8 to 1024.",
    ),
    "an arithmetic that the device lacks": (
        ["arch=0", "recipe.precision=tf32"],
        "recipe.precision=tf32 is invalid with device=cpu: TensorFloat-32 is an arithmetic of NVIDIA GPUs.",
    ),
    "an unknown arithmetic": (["arch=0", "recipe.precision=fp64"], "Known: fp32, tf32, bf16."),
    "unknown recipe": (
        ["arch=0", "recipe=smal"],
        "No recipe is called 'smal'. Did you mean 'small'? Known: small, zico",
    ),
    "unknown setting": (["arch=0", "epochs=3"], "No setting is called 'epochs'."),
    "epochs": (["arch=0", "recipe.epochs=0"], "recipe.epochs=0 is invalid: it must be at least 1."),
    "warm-up": (["arch=0", "recipe.epochs=1"], "recipe.warmup_epochs=1 is invalid: it must be below recipe.epochs."),
    "one image": (["arch=0", "recipe.batch_size=1"], "recipe.batch_size=1 is invalid: it must be at least 2"),
    "too many images": (["arch=0", "recipe.batch_size=500", "recipe.shards=2"], "needs 1,000 images; scikit-learn dig"),
    "data set of another": (["arch=0", "dataset=imagenet"], "nats_tss has no data set 'imagenet'; it has digits, "),
    "no classes": (
        ["bench=transnas_macro", "arch=0", "dataset=autoencoder"],
        "autoencoder has no classes; only classif",
    ),
    "no images": (["arch=0", "dataset=cifar10"], "No images of cifar10 are in "),
    "no teacher": (["arch=0", "recipe.teacher.source=nowhere"], "recipe.teacher.source=nowhere is invalid: it must be"),
    "out is a file": (["arch=0", "out=taken"], "out=taken cannot be written: "),
    "corrupt checkpoint": (["arch=0", "out=corrupt"], "corrupt/checkpoint.pt is damaged ("),
    "no checkpoint": (["arch=0", "out=other"], "other/checkpoint.pt is not a checkpoint of this version."),
    "policy without timm": (["arch=0", "recipe.augmentation.auto_augment=original"], "needs recipe.pipeline=timm."),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_sentence_and_exit_code_2(mistake, tmp_path, monkeypatch, capsys):
    words, sentence = MISTAKES[mistake]
    monkeypatch.chdir(tmp_path)
    Path("taken").write_text("mine")
    for name, contents in (("corrupt", b"no checkpoint"), ("other", None)):
        Path(name).mkdir()
        if contents:
            (Path(name) / FILE).write_bytes(contents)
        else:
            torch.save({"version": 0}, Path(name) / FILE)
    monkeypatch.setattr(sys, "argv", ["harness.train", *words])
    assert main() == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert len(error.strip().splitlines()) == 1


def test_a_folder_of_another_training_is_kept(tmp_path, monkeypatch, capsys):
    space, digits = BENCHMARKS.get("nats_tss"), DATA_SETS.get("digits")
    recipe = Recipe(epochs=2, batch_size=256, augmentation=Augmentation(shift=1, label_smoothing=0.1))
    job = Job(space, Architecture(ARCH), digits, recipe)
    train(job, RunLocation(tmp_path, torch.device("cpu"), tmp_path))
    before = (tmp_path / FILE).read_bytes()
    words = [f"arch={ARCH}", f"out={tmp_path}", "recipe.epochs=3", "recipe.batch_size=256", "onnx=false"]
    monkeypatch.setattr(sys, "argv", ["harness.train", *words])
    assert main() == 2
    assert "belongs to another run: recipe.epochs was 2 and is now 3. Give another out=" in capsys.readouterr().err
    assert (tmp_path / FILE).read_bytes() == before


def test_a_loss_that_is_no_number_keeps_the_epoch_before(tmp_path, monkeypatch, capsys):
    words = [f"arch={ARCH}", f"out={tmp_path}", "recipe.epochs=3", "recipe.batch_size=256", "onnx=false"]
    monkeypatch.setattr(sys, "argv", ["harness.train", *words, "recipe.learning_rate=1e30"])
    assert main() == 2
    assert "The loss is not finite in epoch 1. Reduce recipe.learning_rate" in capsys.readouterr().err


def test_without_timm_one_sentence_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "timm", None)  # as if it were not installed
    monkeypatch.setitem(sys.modules, "timm.data", None)
    words = ["bench=imagenet_mbv2", f"arch={STRUCTURE}", "dataset=imagenet", "recipe=zico_imagenet", f"out={tmp_path}"]
    monkeypatch.setattr(sys, "argv", ["harness.train", *words])
    assert main() == 2
    error = capsys.readouterr().err
    assert error.startswith("recipe.pipeline=timm needs the libraries timm and torchvision, which cannot be imported")
    assert "pip install 'nas-proxy-harness[timm]'" in error


def test_the_papers_recipe_is_one_config():
    from harness.train.config import read_trainings

    typed = ["bench=imagenet_mbv2", f"arch={STRUCTURE}", "dataset=imagenet", "recipe=zico_imagenet"]
    (config,) = composed_configs("train", as_hydra_reads(COMMANDS["train"], typed, sweeps=False))
    recipe = read_trainings(config)[0].job.recipe
    assert (recipe.epochs, recipe.shards, recipe.batch_size) == (480, 8, 64)
    assert (recipe.learning_rate, recipe.momentum, recipe.weight_decay) == (0.1, 0.9, 4e-5)
    assert recipe.learning_rate_at(480) == 0
    assert recipe.learning_rate_at(5) == 0.1
    assert recipe.learning_rate_at(5 + 475 / 2) == pytest.approx(0.05)
    assert recipe.teacher is not None
    assert recipe.teacher.source == "timm:tf_efficientnet_b3.ns_jft_in1k"
    assert recipe.augmentation.mixup > 0 < recipe.augmentation.random_erasing
    assert replace(recipe, name="other") != recipe
