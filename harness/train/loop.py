"""The training loop: one network, trained by a process group, tested and saved after each epoch."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.errors import HarnessError, OptionError
from harness.files.atomic import write_whole
from harness.progress import Progress as Bar
from harness.protocol import Precision
from harness.scoring.arithmetic import check_tf32, products_of
from harness.train.checkpoint import Row, TrainingState, load, save
from harness.train.distillation import Distillation, open_distillation
from harness.train.examples import Examples, PlainExamples, Shard
from harness.train.export import RECORD, write_weights
from harness.train.job import Job, RunLocation
from harness.train.process_group import ProcessGroup
from harness.train.recipe import Pipeline, Recipe, TrainingPrecision
from harness.train.timm_library import TimmExamples

HISTORY = "history.csv"


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A trained network, on the CPU and in eval mode, with one row per epoch."""

    network: nn.Module
    history: Sequence[Row]

    @property
    def accuracy(self) -> float:
        """Of the last epoch, in percent."""
        return self.history[-1]["accuracy"]


def train(job: Job, location: RunLocation, group: ProcessGroup | None = None) -> TrainingResult:
    """Train a network, or continue its training, and write checkpoint, history, record and weights to a folder.

    Raises:
        HarnessError: for missing images or libraries, an arithmetic that the device lacks, a checkpoint of another job,
            or a loss that is not finite.
    """
    group = group or ProcessGroup()
    check_tf32("recipe.precision", Precision(job.recipe.precision.value), str(location.device))
    _make(location.out)
    shards = group.shards(job.recipe.shards)
    examples = _examples(job, location, group)
    progress = load(location.out, job.description) if location.resume else None
    network = job.network().to(location.device)
    distillation = open_distillation(job, location.device)
    optimiser = optimiser_of(network, job.recipe)
    history = []
    if progress is not None:
        network.load_state_dict(progress.network)
        optimiser.load_state_dict(progress.optimiser)
        history = progress.history
    wrapped = group.wrap(network)
    trainer = Trainer(wrapped, optimiser, examples, job.recipe, distillation, group)
    n_steps = (job.recipe.epochs - len(history)) * examples.n_steps
    title = f"{job.space.name} {job.data_set.name}"
    with Bar(title, n_steps if group.leads else 0, "steps") as bar:
        for epoch in range(len(history), job.recipe.epochs):
            started = time.monotonic()
            row = {"epoch": epoch + 1.0, "loss": trainer.epoch(epoch, shards, location.device, bar)}
            group.share_statistics(network)
            row |= {"learning_rate": optimiser.param_groups[0]["lr"], "accuracy": trainer.test(location.device)}
            history.append({**row, "seconds": time.monotonic() - started})
            if group.leads:
                save(
                    TrainingState(job.description, network.state_dict(), optimiser.state_dict(), history), location.out
                )
                _write_history(history, location.out)
    if group.leads:
        write_weights(network, location.out)
        _write_record(job, examples, group, history, location.out)
    return TrainingResult(network.cpu().eval(), history)


@dataclass(frozen=True, eq=False)
class Trainer:
    """Steps of a recipe on examples; `distillation` is None without a teacher."""

    network: nn.Module
    optimiser: torch.optim.Optimizer
    examples: Examples
    recipe: Recipe
    distillation: Distillation | None
    group: ProcessGroup

    def epoch(self, number: int, shards: Sequence[int], device: torch.device, bar: Bar) -> float:
        """The mean training loss of an epoch."""
        self.network.train()
        total = torch.zeros((), dtype=torch.float64, device=device)
        with products_of(Precision(self.recipe.precision.value)):
            for step, parts in enumerate(self.examples.epoch(number, shards)):
                rate = self.recipe.learning_rate_at(number + (step + 1) / self.examples.n_steps)
                for group in self.optimiser.param_groups:
                    group["lr"] = rate
                total += self._step(parts, device)
                bar.advance()
        loss = float(self.group.sum(total)) / self.group.size / self.examples.n_steps
        if loss != loss:
            raise HarnessError(
                f"The loss is not finite in epoch {number + 1}. Reduce recipe.learning_rate; the checkpoint of the "
                "previous epoch is kept."
            )
        return loss

    def _step(self, parts: Sequence[Shard], device: torch.device) -> Tensor:
        self.optimiser.zero_grad()
        total = torch.zeros((), device=device)
        for position, (images, classes) in enumerate(parts):
            images, classes = images.to(device), classes.to(device)
            last = position == len(parts) - 1
            if last:
                loss = self._loss(images, classes) / len(parts)
                torch.autograd.backward(loss)
            else:
                with self.group.without_averaging(self.network):
                    loss = self._loss(images, classes) / len(parts)
                    torch.autograd.backward(loss)
            total += loss.detach()
        self.optimiser.step()
        return total

    def _loss(self, images: Tensor, classes: Tensor) -> Tensor:
        is_rounded = self.recipe.precision is TrainingPrecision.bf16
        with torch.autocast(images.device.type, torch.bfloat16, enabled=is_rounded):
            outputs = self.network(images)
            loss = F.cross_entropy(outputs, classes)
            return loss if self.distillation is None else loss + self.distillation.loss(images, outputs)

    @products_of(Precision.fp32)
    @torch.no_grad()
    def test(self, device: torch.device) -> float:
        """The accuracy on the test images, in percent, in float32."""
        self.network.eval()
        counts = torch.zeros(2, dtype=torch.float64, device=device)
        for images, classes in self.examples.tests(self.group.rank, self.group.size):
            right = self.network(images.to(device)).argmax(dim=1) == classes.to(device)
            counts += torch.tensor([int(right.sum()), len(right)], device=device)
        right_of_all, n_all = self.group.sum(counts).tolist()
        return float(100 * right_of_all / n_all)


def _examples(job: Job, location: RunLocation, group: ProcessGroup) -> Examples:
    if job.recipe.pipeline is Pipeline.plain:
        return PlainExamples.open(job.data_set, job.recipe, job.seed, location.images)
    folder = location.data or location.images / "real" / "ILSVRC2012"
    return TimmExamples.open(job.data_set, job.recipe, folder, group, seed=job.seed, workers=location.workers)


def optimiser_of(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD; only the weights of convolutions and linear layers decay."""
    weights = [parameter for parameter in network.parameters() if parameter.dim() > 1]
    others = [parameter for parameter in network.parameters() if parameter.dim() <= 1]
    groups = [{"params": weights, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=recipe.momentum, nesterov=recipe.nesterov)


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"out={out} cannot be written: {error.strerror}. Give another folder.") from None


def _write_history(history: Sequence[Row], out: Path) -> None:
    write_whole(out / HISTORY, pd.DataFrame(history).to_csv(index=False).encode())


def _write_record(job: Job, examples: Examples, group: ProcessGroup, history: Sequence[Row], out: Path) -> None:
    record = {
        "job": json.loads(job.description),
        "images": examples.source,
        "processes": group.size,
        "accuracy": history[-1]["accuracy"],
        "seconds": sum(row["seconds"] for row in history),
        "torch": torch.__version__,
    }
    write_whole(out / RECORD, (json.dumps(record, indent=2) + "\n").encode())
