"""The stage that trains at ImageNet's size, tried on a CPU at that of CIFAR-10."""

import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import pandas as pd
import pytest
from PIL import Image

from harness.cli.command import ended
from harness.errors import MissingDataError
from harness.perf.gpu.cases import Stage
from harness.perf.gpu.commands import run_for
from harness.perf.gpu.training import Trained, _epochs, _write_images, training
from harness.timm_import import import_timm
from harness.train.recipe import Pipeline

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # timm leaves its image files to be closed

SMALL = Trained(
    "cifar10",
    ("bench=nats_sss", "arch=8:8:8:8:8", "recipe.pipeline=timm", "recipe.epochs=2", "recipe.batch_size=8",
     "recipe.augmentation.shift=0"),
    n_each=3,
)  # fmt: skip


@pytest.fixture
def _timm():
    try:
        import_timm("This test", "timm.data")
    except MissingDataError as error:
        pytest.skip(str(error))


def test_the_published_network_is_trained_by_its_recipe_without_the_teacher():
    recipe = Trained().recipe
    assert (recipe.name, recipe.pipeline, recipe.teacher) == ("zico_imagenet", Pipeline.timm, None)
    assert Trained().n_images == 62 * 512
    assert SMALL.n_images == 24


def test_images_are_of_the_size_and_the_weight_of_photographs(tmp_path):
    _write_images(tmp_path / "images", n_classes=3, n_each=2)
    paths = sorted((tmp_path / "images").glob("*/*/*.jpg"))
    assert [str(path.relative_to(tmp_path / "images")) for path in paths[:3]] == [
        "train/0000/0.jpg", "train/0000/1.jpg", "train/0001/0.jpg",
    ]  # fmt: skip
    assert len(paths) == 9
    for path in paths:
        assert 90_000 < path.stat().st_size < 130_000
        with Image.open(path) as image:
            assert image.size == (500, 375)


@pytest.mark.usefixtures("_timm")
def test_what_is_read_and_what_is_trained_is_measured(tmp_path):
    stage = Stage("cpu", tmp_path, workers=(1,), until=time.monotonic() + 120)
    *_, last = training(stage, SMALL)
    found = {one.name: one.value for one in last}
    assert found["read by 1 processes, nothing trained"] > 0
    for precision in ("bf16", "fp32"):
        assert found[f"{precision}, whole: epochs of 24 images"] == 1  # of two, without the first
        hours = found[f"{precision}: 480 epochs of 1,281,167 images, projected"]
        assert hours == pytest.approx(480 * 1_281_167 / found[f"{precision}: trained"] / 3600)
    assert not any("tf32" in name for name in found)  # of NVIDIA GPUs alone


@pytest.mark.usefixtures("_timm")
def test_a_training_that_fails_or_has_no_time_is_no_measurement(tmp_path):
    broken = replace(SMALL, words=[word.replace("8:8:8:8:8", "no:such") for word in SMALL.words])
    stage = Stage("cpu", tmp_path, workers=(1,), until=time.monotonic() + 60)
    *_, last = training(stage, broken)
    found = {one.name: one.value for one in last}
    assert found["bf16, failed with exit code 2: epochs of 24 images"] == 0
    assert "bf16: trained" not in found
    assert len(list(training(replace(stage, until=time.monotonic() - 1), SMALL))) == 1


def test_the_first_epoch_is_left_out_where_there_are_more(tmp_path):
    history = tmp_path / "history.csv"
    assert _epochs(history) == (0, 0.0)
    for seconds, expected in (([9.0], (1, 9.0)), ([9.0, 2.0, 3.0], (2, 5.0))):
        pd.DataFrame({"epoch": range(len(seconds)), "seconds": seconds}).to_csv(history, index=False)
        assert _epochs(history) == expected


@pytest.mark.parametrize("module", ["harness.perf.gpu.__main__", "harness.perf.merging", "harness.perf.scale"])
def test_an_interrupted_measurement_ends_in_a_sentence(module, monkeypatch, capsys):
    def interrupted(work: Callable[[], int], kept: str) -> int:
        return ended(lambda: os.kill(os.getpid(), signal.SIGINT) or work(), kept)

    monkeypatch.setattr("harness.cli.command.ended", interrupted)
    monkeypatch.delitem(sys.modules, module, raising=False)
    with pytest.raises(SystemExit) as end:
        runpy.run_module(module, run_name="__main__")
    assert end.value.code == 130
    assert capsys.readouterr().err.startswith("Interrupted. What is measured is kept")


def test_a_command_that_runs_is_ended_with_the_one_that_began_it(tmp_path, monkeypatch):
    runs: list[subprocess.Popen[bytes]] = []
    wait = subprocess.Popen.wait

    def interrupted(run: "subprocess.Popen[bytes]", timeout: float | None = None) -> int:
        runs.append(run)
        if timeout is None:
            return wait(run)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_for(["sleep", "600"], 600)
    assert runs[0].returncode == -signal.SIGTERM
