"""Training at ImageNet's size by timm's pipeline: what it reads, and what is trained, in images per second."""

import csv
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from PIL import Image

from harness.cli.commands import COMMANDS
from harness.cli.compose import composed_configs
from harness.cli.words import as_hydra_reads
from harness.inputs import DATA_SETS
from harness.perf.figure import Figure
from harness.perf.gpu.cases import Stage
from harness.perf.gpu.commands import run_for
from harness.perf.gpu.utilisation import Utilisation
from harness.protocol import Precision
from harness.train.config import read_settings
from harness.train.process_group import ProcessGroup
from harness.train.recipe import Recipe
from harness.train.timm_library import TimmExamples

_N_IMAGES, _EPOCHS = 1_281_167, 480  # of ImageNet's training images, and of ZiCo's recipe
_PIXELS = (375, 500)  # the median of ImageNet's, which are 110 kB on average
_N_DISTINCT = 16
_READ_S = 20.0


@dataclass(frozen=True)
class Trained:
    """What is trained: the network of ZiCo's search for 450 MFLOPs (arXiv:2301.11300), by its recipe without a teacher.

    Attributes:
        words: settings of harness.train.
        n_each: training images of each class; one more is for testing.
    """

    data_set: str = "imagenet"
    words: Sequence[str] = (
        "bench=imagenet_mbv2",
        "arch=SuperConvK3BNRELU(3,16,2,1)SuperResIDWE1K7(16,40,2,40,1)SuperResIDWE2K7(40,80,2,64,1)"
        "SuperResIDWE4K7(80,96,2,96,5)SuperResIDWE2K7(96,224,2,224,5)SuperConvK1BNRELU(224,2048,1,1)",
        "recipe=zico_imagenet",
        "recipe.teacher.source=null",
    )
    n_each: int = 32

    def typed(self, *more: str) -> list[str]:
        """Settings of harness.train."""
        return [f"dataset={self.data_set}", *self.words, *more]

    @cached_property
    def recipe(self) -> Recipe:
        """The recipe that these settings name."""
        overrides = as_hydra_reads(COMMANDS["train"], self.typed(), sweeps=False)
        (config,) = composed_configs("train", overrides)
        return read_settings(config).recipe

    @property
    def n_images(self) -> int:
        """Images of an epoch, whose last step is dropped where it is incomplete."""
        in_step = self.recipe.batch_size * self.recipe.shards
        return self.n_each * DATA_SETS.get(self.data_set).n_classes // in_step * in_step


def training(stage: Stage, trained: Trained | None = None) -> Iterator[list[Figure]]:
    """Images per second: read alone, and trained in bfloat16, TensorFloat-32 and float32."""
    trained = trained or Trained()
    precisions = [Precision.bf16, Precision.tf32, Precision.fp32]
    if not stage.device.startswith("cuda"):
        precisions.remove(Precision.tf32)
    figures: list[Figure] = []
    with TemporaryDirectory() as folder:
        images = Path(folder) / "images"
        _write_images(images, DATA_SETS.get(trained.data_set).n_classes, trained.n_each)
        figures.append(_read_alone(stage, trained, images))
        yield figures
        for n_left, precision in zip(range(len(precisions), 0, -1), precisions, strict=True):
            if stage.left_s <= 0:
                return
            figures += _trained(stage, trained, precision, images, stage.left_s / n_left)
            yield figures


def _write_images(folder: Path, n_classes: int, n_each: int) -> None:
    """Photographs' worth of noise: a few files under many names, `train/<class>/<number>.jpg` and `val/<class>/`."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    distinct = [folder / f"{number}.jpg" for number in range(_N_DISTINCT)]
    for path in distinct:
        path.write_bytes(_jpeg(rng))
    for label in range(n_classes):
        for part, n in (("train", n_each), ("val", 1)):
            into = folder / part / f"{label:04}"
            into.mkdir(parents=True)
            for number in range(n):
                os.link(distinct[(label + number) % _N_DISTINCT], into / f"{number}.jpg")


def _jpeg(rng: np.random.Generator) -> bytes:
    """One of about 110 kB: coarse noise, enlarged, with fine noise on it."""
    coarse = Image.fromarray(rng.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize(_PIXELS[::-1], Image.Resampling.BICUBIC), dtype=np.float64)
    noisy = np.clip(smooth + rng.normal(0, 32, smooth.shape), 0, 255).astype(np.uint8)
    written = BytesIO()
    Image.fromarray(noisy).save(written, "JPEG", quality=85)
    return written.getvalue()


def _read_alone(stage: Stage, trained: Trained, images: Path) -> Figure:
    """Images per second of the pipeline where nothing is trained, once its processes have begun."""
    data_set, recipe, n_workers = DATA_SETS.get(trained.data_set), trained.recipe, max(stage.workers)
    examples = TimmExamples.open(data_set, recipe, images, ProcessGroup(), seed=0, workers=n_workers)
    n_read, started = 0, 0.0
    for shards in examples.epoch(0, range(recipe.shards)):
        if not started:
            started = time.perf_counter()
            continue
        n_read += sum(len(shard[0]) for shard in shards)
        if time.perf_counter() - started > min(_READ_S, stage.left_s / 4):
            break
    rate = n_read / (time.perf_counter() - started)
    return Figure("training", f"read by {n_workers} processes, nothing trained", rate, "images per s")


class _Epochs(NamedTuple):
    n: int
    seconds: float


def _trained(stage: Stage, trained: Trained, precision: Precision, images: Path, most_s: float) -> Iterator[Figure]:
    """Images per second of epochs, the first left out where there are more, and what ImageNet would take."""
    with TemporaryDirectory() as folder:
        words = [f"device={stage.device}", f"workers={max(stage.workers)}", f"recipe.precision={precision.value}"]
        words += [f"data={images}", f"out={folder}", "onnx=false"]
        command = [sys.executable, "-m", "harness.train", *trained.typed(*words)]
        with Utilisation(stage.device) as used:
            how = run_for(command, most_s)
        epochs = _epochs(Path(folder) / "history.csv")
    name = precision.value
    yield Figure("training", f"{name}, {how}: epochs of {trained.n_images:,} images", epochs.n, "epochs")
    if epochs.n:
        rate = epochs.n * trained.n_images / epochs.seconds
        yield Figure("training", f"{name}: trained", rate, "images per s")
        hours = _EPOCHS * _N_IMAGES / rate / 3600
        yield Figure("training", f"{name}: {_EPOCHS} epochs of {_N_IMAGES:,} images, projected", hours, "h")
    if used.share is not None:
        yield Figure("training", f"{name}: utilisation of the GPU", used.share, "%")
        yield Figure("training", f"{name}: memory of the GPU taken", max(used.mebibytes) - used.before, "MiB")


def _epochs(history: Path) -> _Epochs:
    """Number and seconds of finished epochs, each with its test; the first begins processes and is left out."""
    if not history.is_file():
        return _Epochs(0, 0.0)
    with history.open(encoding="utf-8", newline="") as text:
        seconds = [float(row["seconds"]) for row in csv.DictReader(text)]
    counted = seconds[1:] or seconds
    return _Epochs(len(counted), sum(counted))
