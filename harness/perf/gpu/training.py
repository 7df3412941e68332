"""Training at ImageNet's size by timm's pipeline: what it reads, and what is trained, in images per second."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from PIL import Image

from harness.cli.commands import COMMANDS
from harness.cli.compose import composed_configs
from harness.cli.words import as_hydra_reads
from harness.errors import MissingDataError
from harness.files.atomic import write_whole
from harness.perf.figure import Figure
from harness.perf.gpu.cases import Stage
from harness.perf.gpu.timed_examples import RepeatedExamples, TimedExamples, rate_of
from harness.perf.gpu.utilisation import Utilisation
from harness.progress import Progress
from harness.timm_import import import_timm
from harness.train import Job
from harness.train.config import read_trainings
from harness.train.examples import Examples, Shard
from harness.train.loop import Trainer, optimiser_of
from harness.train.process_group import ProcessGroup
from harness.train.recipe import TrainingPrecision
from harness.train.timm_library import TimmExamples

_N_IMAGES, _EPOCHS = 1_281_167, 480  # of ImageNet's training images, and of ZiCo's recipe
_PIXELS = (375, 500)  # the median of ImageNet's, which are 110 kB on average
_N_DISTINCT = 16
_SHARED_MEMORY = Path("/dev/shm")
_PREFETCHED = 2  # batches of each process that wait in shared memory, torch's default; one more is being made

ZICO_450M = (
    "bench=imagenet_mbv2",
    "arch=SuperConvK3BNRELU(3,16,2,1)SuperResIDWE1K7(16,40,2,40,1)SuperResIDWE2K7(40,80,2,64,1)"
    "SuperResIDWE4K7(80,96,2,96,5)SuperResIDWE2K7(96,224,2,224,5)SuperConvK1BNRELU(224,2048,1,1)",
    "dataset=imagenet",
    "recipe=zico_imagenet",
    "recipe.teacher.source=null",
)
"""The network of ZiCo's search for 450 MFLOPs (arXiv:2301.11300) and its recipe, without a teacher."""

_ON_A_CPU = ("recipe.batch_size=8", "recipe.shards=1")  # a trial


@dataclass(frozen=True)
class Lengths:
    """How long each rate is measured: `seconds`, and training images of each class, which end an epoch."""

    seconds: float = 20.0
    n_each: int = 64


def training(stage: Stage, words: Sequence[str] = ZICO_450M, lengths: Lengths | None = None) -> Iterator[list[Figure]]:
    """Images per second: read alone; trained on one batch again and again in each precision; and both together.

    Raises:
        MissingDataError: without timm.
    """
    try:
        import_timm("The stage training", "timm.data")
    except MissingDataError as error:
        raise MissingDataError(f"{error}.") from error
    is_gpu = stage.device.startswith("cuda")
    lengths = lengths or (Lengths() if is_gpu else Lengths(5, 1))
    job = _job(words if is_gpu else (*words, *_ON_A_CPU))
    figures: list[Figure] = []
    with TemporaryDirectory() as folder:
        images = Path(folder) / "images"
        _write_images(images, job.data_set.n_classes, lengths.n_each)
        batch, figure = _read_alone(stage, job, images, lengths)
        figures.append(figure)
        yield figures
        for precision in TrainingPrecision:
            if stage.left_s <= 0:
                return
            if is_gpu or precision is not TrainingPrecision.tf32:
                figures += _on_one_batch(stage, _of(job, precision), batch, lengths)
                yield figures
        if stage.left_s > 0:
            figures += _from_files(stage, _of(job, TrainingPrecision.bf16), images, lengths)
            yield figures


def _job(words: Sequence[str]) -> Job:
    (config,) = composed_configs("train", as_hydra_reads(COMMANDS["train"], words, sweeps=False))
    return read_trainings(config)[0].job


def _of(job: Job, precision: TrainingPrecision) -> Job:
    return replace(job, recipe=replace(job.recipe, precision=precision))


def _write_images(folder: Path, n_classes: int, n_each: int) -> None:
    """A few JPEG files of noise under many names: `train/<class>/<number>.jpg`, `val/<class>/0.jpg`."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    distinct = [folder / f"{number}.jpg" for number in range(_N_DISTINCT)]
    for path in distinct:
        write_whole(path, _jpeg(rng))
    for label in range(n_classes):
        for part, n in (("train", n_each), ("val", 1)):
            into = folder / part / f"{label:04}"
            into.mkdir(parents=True)
            for number in range(n):
                _link(distinct[(label + number) % _N_DISTINCT], into / f"{number}.jpg")


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _jpeg(rng: np.random.Generator) -> bytes:
    """One of about 100 kB: coarse noise, enlarged, with fine noise on it."""
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize(_PIXELS[::-1], Image.Resampling.BICUBIC), dtype=np.float64)
    noisy = np.clip(smooth + rng.normal(0, 32, smooth.shape), 0, 255).astype(np.uint8)
    written = BytesIO()
    Image.fromarray(noisy).save(written, "JPEG", quality=85)
    return written.getvalue()


def n_readers(wanted: int, batch_bytes: int) -> int:
    """Processes that read images: as many as wanted, as there are cores, and as shared memory has room for."""
    most = min(wanted, os.cpu_count() or 1)
    if _SHARED_MEMORY.is_dir():
        most = min(most, shutil.disk_usage(_SHARED_MEMORY).free // ((_PREFETCHED + 1) * batch_bytes))
    return int(most)


def _opened(stage: Stage, job: Job, images: Path, lengths: Lengths) -> TimedExamples:
    recipe = job.recipe
    n = n_readers(max(stage.workers), 4 * recipe.batch_size * recipe.shards * prod(job.data_set.shape))
    inner = TimmExamples.open(job.data_set, recipe, images, ProcessGroup(), seed=0, workers=n)
    n_warm, in_round = max(1, _PREFETCHED * n), max(1, n)
    return TimedExamples(inner, n_warm=n_warm, in_round=in_round, most_s=min(lengths.seconds, stage.left_s))


def _read_alone(stage: Stage, job: Job, images: Path, lengths: Lengths) -> tuple[list[Shard], Figure]:
    """A batch, and what the pipeline reads where nothing is trained.

    Raises:
        HarnessError: where an epoch is too short to measure it.
    """
    timed = _opened(stage, job, images, lengths)
    batch: list[Shard] = []
    for shards in timed.epoch(0, range(job.recipe.shards)):
        batch = batch or shards
    name = f"read and augmented by {timed.in_round} process{'es' * (timed.in_round > 1)}"
    return batch, Figure("training", name, rate_of(timed), "images per s")


def _trained(stage: Stage, job: Job, timed: TimedExamples) -> Utilisation:
    """Train by the loop of harness.train; the rate is that of `timed`, and the GPU is watched from its start on."""
    device = torch.device(stage.device)
    network = job.network().to(device)
    trainer = Trainer(network, optimiser_of(network, job.recipe), timed, job.recipe, None, ProcessGroup())
    with Utilisation(stage.device) as used, Progress(f"training in {job.recipe.precision.value}", 0) as bar:
        timed.at_start = used.shares.clear
        if device.type == "cuda":
            timed.waits = torch.cuda.synchronize
        trainer.epoch(0, range(job.recipe.shards), device, bar)
    return used


def _on_one_batch(stage: Stage, job: Job, batch: Sequence[Shard], lengths: Lengths) -> Iterator[Figure]:
    """What the GPU trains where nothing is read: the same batch, which is there already, again and again."""
    device = torch.device(stage.device)
    there: Examples = RepeatedExamples([(images.to(device), classes.to(device)) for images, classes in batch])
    n_warm, in_round = (3, 10) if device.type == "cuda" else (1, 1)
    timed = TimedExamples(there, n_warm=n_warm, in_round=in_round, most_s=min(lengths.seconds, stage.left_s))
    used = _trained(stage, job, timed)
    name = f"trained in {job.recipe.precision.value}, one batch again and again"
    yield Figure("training", name, rate_of(timed), "images per s")
    yield from _of_gpu(name, used)


def _from_files(stage: Stage, job: Job, images: Path, lengths: Lengths) -> Iterator[Figure]:
    """What is trained while images are read, and how long the whole recipe would take, without its tests."""
    timed = _opened(stage, job, images, lengths)
    used = _trained(stage, job, timed)
    name = f"trained in {job.recipe.precision.value} from files"
    rate = rate_of(timed)
    yield Figure("training", name, rate, "images per s")
    yield Figure(
        "training", f"{_EPOCHS} epochs of {_N_IMAGES:,} images at that rate", _EPOCHS * _N_IMAGES / rate / 3600, "h"
    )
    yield from _of_gpu(name, used)


def _of_gpu(name: str, used: Utilisation) -> Iterator[Figure]:
    if used.share is not None:
        yield Figure("training", f"{name}: utilisation of the GPU", used.share, "%")
        yield Figure("training", f"{name}: memory of the GPU taken", max(used.mebibytes) - used.before, "MiB")
