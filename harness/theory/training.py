"""From the theory to the proxy: ZiCo and its two components against the loss after a few steps of real training.

Cells of NATS-TSS start from exactly the weights that the proxies see and are trained on real CIFAR-10 images. Losses
are stored in the score store under a key of their own, so an interrupted run can be continued.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from time import thread_time

import joblib
import pandas as pd
import torch
from joblib import Parallel, delayed, parallel_config
from torch import Tensor, nn

from harness import columns
from harness.evaluation import evaluate
from harness.inputs import DATA_SETS, Batches, BatchRequest, draw_batches
from harness.progress import Progress
from harness.randomness import isolated
from harness.scoring.arithmetic import single_thread
from harness.settings import Settings
from harness.space import BENCHMARKS, Architecture
from harness.store import FAILED, OK, Score, ScoreKey, ScoreStore
from harness.theory.figures import cells_figure
from harness.theory.finding import Finding
from harness.theory.settings import TheorySettings, TrainingSettings
from harness.theory.trends import Claim, Trend, trend

BENCH, DATA_SET = "nats_tss", "cifar10"
PROXIES = ("zico", "zico_mean", "zico_std", "params", "flops_live", "sum_log_layer_size")
NAME, VERSION = "training_loss", 1
ACCURACY = "accuracy"


@dataclass(frozen=True)
class Lesson:
    """What the training of a cell depends on: recipe and seed; each worker draws the same batches again."""

    recipe: TrainingSettings
    seed: int

    @property
    def batches(self) -> Batches:
        """The training images, each used once: `steps[-1]` batches."""
        request = BatchRequest(n_batches=self.recipe.steps[-1], batch_size=self.recipe.batch_size, seed=self.seed)
        return draw_batches(DATA_SETS.get(DATA_SET), request)

    def key(self, batches: Batches) -> ScoreKey:
        """The key of these losses in the score store."""
        recipe = asdict(self.recipe)
        del recipe["sample"]
        return ScoreKey(
            space=f"{BENCH}@{BENCHMARKS.get(BENCH).version}",
            data_set=DATA_SET,
            inputs=batches.sha256,
            protocol="",
            proxy=f"{NAME}@{VERSION}",
            options=json.dumps(recipe, sort_keys=True, separators=(",", ":")),
            source="",
            seed=self.seed,
        )


def training(settings: TheorySettings, out: Path) -> Finding:
    """Score the cells, train them, and correlate; the evaluation of the proxies is written to `out/training_scores`.

    Raises:
        HarnessError: if the ground truth or the images are missing.
    """
    recipe = settings.training
    lesson = Lesson(recipe, settings.seed)
    batches = lesson.batches
    workers = settings.workers or int(joblib.cpu_count())
    chosen = Settings(
        sample=recipe.sample, seed=settings.seed, workers=workers, store=settings.store,
        out=out / "training_scores", resume=settings.resume,
    )  # fmt: skip
    evaluation = evaluate(PROXIES, BENCH, DATA_SET, chosen)
    points = evaluation.scores[BENCH, DATA_SET].rename(columns={columns.TRUTH: ACCURACY})
    space = BENCHMARKS.get(BENCH)
    points["network"] = [str(space.canonical(Architecture(arch))) for arch in points[columns.ARCH]]
    with ScoreStore(settings.store.expanduser()) as store:
        known = store.find(lesson.key(batches)) if settings.resume else {}
        missing = [Architecture(arch) for arch in dict.fromkeys(points["network"]) if arch not in known]
        for score in _train_all(lesson, missing, workers):
            store.add([(lesson.key(batches), score)], replace=not settings.resume)
        found = store.find(lesson.key(batches), points["network"])
    losses = pd.DataFrame([dict(found[arch].components) for arch in points["network"]])
    points = pd.concat([points, losses], axis=1)
    names = [f"loss_{step}" for step in (0, *recipe.steps)]
    points["loss_ratio"] = points[names[-1]] / points[names[0]]
    failed = sorted({score.reason for score in found.values() if score.status == FAILED})
    truth = evaluation.agreement[columns.TRUTH].iloc[0]
    return Finding(
        name="training",
        title="ZiCo against the loss after a few steps of training",
        source=f"{BENCH}, real {DATA_SET} images, {batches.source}",
        points=points,
        trends=tuple(_trends(points, names)),
        pictures={"training": partial(cells_figure, points, names[-1])},
        notes=(
            f"{len(points)} cells, {points['network'].nunique()} networks; weights of seed {settings.seed}, as seen "
            f"by the proxies. SGD, batches of {recipe.batch_size}, rate {recipe.learning_rate:g}, Nesterov "
            f"momentum {recipe.momentum:g}, weight decay {recipe.weight_decay:g}, no augmentation; the loss is that of "
            f"{recipe.n_measured} training images in train mode, after 0, {', '.join(map(str, recipe.steps))} steps.",
            f"`accuracy` is the truth column {truth}.",
            f"CPU seconds of training per network: {sum(score.seconds for score in found.values()) / len(found):.1f}.",
            *(f"Failed: {reason}." for reason in failed),
        ),
    )


def _trends(points: pd.DataFrame, losses: Sequence[str]) -> Iterator[Trend]:
    """Every proxy against the losses and the accuracy; the bootstrap resamples networks, not cells."""
    of_cells = partial(trend, points, classes=points["network"].tolist())
    for proxy in PROXIES:
        claimed = proxy.startswith("zico")
        for loss in (*losses[1:], "loss_ratio"):
            yield of_cells(proxy, loss, claim=Claim.falls if claimed else Claim.none)
        yield of_cells(proxy, ACCURACY, claim=Claim.rises if claimed else Claim.none)
    for loss in losses:
        yield of_cells(loss, ACCURACY, claim=Claim.none)


def _train_all(lesson: Lesson, archs: Sequence[Architecture], workers: int) -> Iterator[Score]:
    """The losses of each cell, in order of completion, with a progress bar."""
    if not archs:
        return
    with Progress("training", len(archs), "networks") as progress, parallel_config("loky", inner_max_num_threads=1):
        parallel = Parallel(min(workers, len(archs)), return_as="generator_unordered", batch_size=1)
        for score in parallel(delayed(train_cell)(lesson, arch) for arch in archs):
            progress.advance()
            yield score


def train_cell(lesson: Lesson, arch: Architecture) -> Score:
    """Losses of one cell before and after the steps; the score fails if a loss is not finite."""
    started = thread_time()
    batches = _tensors(lesson)
    space, data_set = BENCHMARKS.get(BENCH), DATA_SETS.get(DATA_SET)
    components: dict[str, float] = {}
    with single_thread(), isolated("training", lesson.seed, arch):
        network = space.network(arch, data_set, seed=lesson.seed)
        for parameter in network.parameters():
            if parameter.dim() == 4:  # the memory layout with the fastest convolutions
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        recipe = lesson.recipe
        optimiser = torch.optim.SGD(
            network.parameters(), lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0,
            weight_decay=recipe.weight_decay,
        )  # fmt: skip
        measured = batches[: recipe.n_measured // recipe.batch_size]
        components["loss_0"] = _loss(network, measured)
        for step, (images, evaluation_sets) in enumerate(batches, start=1):
            loss = data_set.loss(network(images), evaluation_sets)
            parameters = list(network.parameters())
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            optimiser.step()
            if step in recipe.steps:
                components[f"loss_{step}"] = _loss(network, measured)
    score = Score(arch, components, OK, "", thread_time() - started)
    finite = all(torch.isfinite(torch.tensor(value)) for value in components.values())
    return score if finite else score._replace(status=FAILED, reason="the loss is not finite")


@lru_cache(maxsize=1)
def _tensors(lesson: Lesson) -> list[tuple[Tensor, Tensor]]:
    """Images and targets of each batch, once per process."""
    return [(batch.images.contiguous(memory_format=torch.channels_last), batch.targets) for batch in lesson.batches]


@torch.no_grad()
def _loss(network: nn.Module, batches: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Mean loss over batches, with batch normalisation in train mode."""
    data_set = DATA_SETS.get(DATA_SET)
    losses = [float(data_set.loss(network(images), evaluation_sets)) for images, evaluation_sets in batches]
    return sum(losses) / len(losses)
