"""The stage that trains at ImageNet's size, tried on a CPU at that of CIFAR-10."""

import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from threading import Timer

import pytest
import torch
from PIL import Image
from torch import Tensor

from harness.cli.command import ended
from harness.errors import HarnessError, MissingDataError
from harness.perf.gpu import training as module
from harness.perf.gpu.cases import Stage
from harness.perf.gpu.commands import run_for
from harness.perf.gpu.timed_examples import TimedExamples, rate_of
from harness.perf.gpu.training import ZICO_450M, Lengths, _job, _write_images, n_readers, training
from harness.perf.merging import measured
from harness.timm_import import import_timm
from harness.train.examples import Examples, Shard
from harness.train.recipe import Pipeline

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # timm leaves its image files to be closed

SMALL = (
    "bench=nats_sss", "arch=8:8:8:8:8", "dataset=cifar10", "recipe.pipeline=timm", "recipe.augmentation.shift=0",
)  # fmt: skip
IN_STEP, BATCH_S = 8, 0.05


@pytest.fixture
def _timm():
    try:
        import_timm("This test", "timm.data")
    except MissingDataError as error:
        pytest.skip(str(error))


@dataclass(eq=False)
class Rounds(Examples):
    """Batches as `n` processes make them, `BATCH_S` seconds for each of theirs: `n` come together."""

    n: int
    n_steps: int = 24  # a field, where the interface has a property
    source: str = "made up"

    def epoch(self, number: int, shards: Sequence[int]) -> Iterator[list[Shard]]:
        for step in range(self.n_steps):
            if step % self.n == 0:
                time.sleep(BATCH_S)
            yield [(torch.zeros(IN_STEP, 1), torch.zeros(IN_STEP, 1))]
        time.sleep(1)  # what processes take to end is no part of a rate

    def tests(self, rank: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return iter(())


@pytest.mark.parametrize("n", [1, 4, 6])
@pytest.mark.parametrize("most_s", [0.01, 60.0])
def test_a_rate_is_that_of_whole_rounds_after_the_first_ones(n, most_s):
    timed = TimedExamples(Rounds(n), n_warm=2 * n, in_round=n, most_s=most_s)
    n_seen = sum(1 for _ in timed.epoch(0, [0]))
    assert n_seen == (24 if most_s > 1 else 3 * n)
    assert rate_of(timed) == pytest.approx(n * IN_STEP / BATCH_S, rel=0.15)


def test_a_rate_without_a_whole_round_is_refused():
    timed = TimedExamples(Rounds(4, n_steps=10), n_warm=8, in_round=4, most_s=60)
    assert sum(1 for _ in timed.epoch(0, [0])) == 10
    with pytest.raises(HarnessError, match="an epoch of 10 steps is too short to measure"):
        rate_of(timed)


def test_what_a_gpu_was_asked_for_is_awaited_before_the_clock_is_read():
    calls: list[str] = []
    timed = TimedExamples(
        Rounds(2, n_steps=6), 2, 2, 60, lambda: calls.append("starts"), lambda: calls.append("waits")
    )  # fmt: skip
    list(timed.epoch(0, [0]))
    assert calls == ["waits", "starts", "waits"]


def test_the_published_network_is_trained_by_its_recipe_without_the_teacher():
    job = _job(ZICO_450M)
    assert (job.space.name, job.data_set.name) == ("imagenet_mbv2", "imagenet")
    assert (job.recipe.name, job.recipe.pipeline, job.recipe.teacher) == ("zico_imagenet", Pipeline.timm, None)
    assert 430e6 < job.space.flops(job.arch, job.data_set) < 460e6


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


def test_processes_that_read_are_as_many_as_cores_and_shared_memory_allow(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert n_readers(2, 1) == 2
    assert n_readers(16, 1) == 4
    assert n_readers(16, 2**62) == 0  # this process reads


@pytest.mark.usefixtures("_timm")
def test_what_is_read_and_what_is_trained_is_measured(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_ON_A_CPU", ("recipe.batch_size=4",))
    stage = Stage("cpu", tmp_path, workers=(2,), until=time.monotonic() + 600)
    *_, last = training(stage, SMALL, Lengths(0.1, n_each=4))
    found = {one.name: one.value for one in last}
    assert set(found) == {
        f"read and augmented by {min(2, os.cpu_count() or 1)} processes", "trained in fp32, one batch again and again",
        "trained in bf16, one batch again and again", "trained in bf16 from files",
        "480 epochs of 1,281,167 images at that rate",
    }  # fmt: skip
    assert all(0 < value < 1e8 for value in found.values())
    late = Stage("cpu", tmp_path, workers=(2,), until=time.monotonic() - 1)
    assert [len(figures) for figures in training(late, SMALL, Lengths(0.1, n_each=4))] == [1]


def test_without_timm_the_stage_says_so(tmp_path, monkeypatch):
    for name in ("timm", "timm.data"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(MissingDataError, match=r"^The stage training needs the libraries timm and torchvision"):
        list(training(Stage("cpu", tmp_path)))


@pytest.fixture
def _signals_arrive() -> Iterator[None]:
    """A process that was begun in the background ignores Ctrl-C, and so do the tests in it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_signals_arrive")
@pytest.mark.parametrize("name", ["gpu.__main__", "merging", "scale"])
def test_an_interrupted_measurement_ends_in_a_sentence(name, monkeypatch, capsys):
    def interrupted(work: Callable[[], int], kept: str) -> int:
        return ended(lambda: os.kill(os.getpid(), signal.SIGINT) or work(), kept)

    monkeypatch.setattr("harness.cli.command.ended", interrupted)
    monkeypatch.delitem(sys.modules, f"harness.perf.{name}", raising=False)
    with pytest.raises(SystemExit) as end:
        runpy.run_module(f"harness.perf.{name}", run_name="__main__")
    assert end.value.code == 130
    assert "are kept." in capsys.readouterr().err


@pytest.mark.usefixtures("_signals_arrive")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_measured_process_ends_with_the_one_that_asked_for_it(number, code, capfd):
    timer = Timer(0.5, os.kill, (os.getpid(), number))
    timer.start()
    started = time.monotonic()
    assert ended(lambda: int(bool(measured(lambda: time.sleep(60)))), "Kept.") == code
    assert time.monotonic() - started < 30
    assert len(capfd.readouterr().err.splitlines()) == 1


def test_a_command_that_runs_is_ended_with_the_one_that_began_it(monkeypatch):
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


def test_a_command_is_ended_when_its_time_is_over():
    started = time.monotonic()
    assert run_for(["sleep", "600"], 1) == "a part"
    assert time.monotonic() - started < 30
