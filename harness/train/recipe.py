"""Recipes: the training hyperparameters, independent of the data set."""

import math
from dataclasses import dataclass, field
from enum import Enum

from harness.errors import OptionError


class Pipeline(Enum):
    """The pipeline that reads and augments the images."""

    plain = "plain"  # this project's, on tensors in memory
    timm = "timm"  # the library timm, from a folder of image files


class TrainingPrecision(Enum):
    """Arithmetic of the passes; weights, gradients and the optimiser are in float32 in each."""

    fp32 = "fp32"
    tf32 = "tf32"  # products in TensorFloat-32, on NVIDIA GPUs
    bf16 = "bf16"  # torch.autocast


@dataclass(frozen=True)
class Augmentation:
    """Augmentation of training images and labels; conf/recipe/small.yaml explains each number.

    Raises:
        OptionError: for invalid values.
    """

    shift: int = 0
    flip: bool = False
    label_smoothing: float = 0.0
    mixup: float = 0.0
    random_erasing: float = 0.0
    auto_augment: str | None = None

    def __post_init__(self) -> None:
        for name in ("label_smoothing", "random_erasing"):
            _require(0 <= getattr(self, name) < 1, f"augmentation.{name}", getattr(self, name), "from 0 to below 1")
        for name in ("shift", "mixup"):
            _require(getattr(self, name) >= 0, f"augmentation.{name}", getattr(self, name), "0 or more")


@dataclass(frozen=True)
class Teacher:
    """A trained network to distil: `timm:MODEL`, or the folder of a training run.

    `weight` is that of the distillation loss; `size` the teacher's image size in pixels, None for the student's.
    """

    source: str
    weight: float = 1.0
    size: int | None = None

    def __post_init__(self) -> None:
        _require(self.weight > 0, "teacher.weight", self.weight, "more than 0")
        _require(self.size is None or self.size > 0, "teacher.size", self.size, "at least 1")


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with momentum, a linear warm-up and cosine decay to zero.

    A step averages the gradients of `shards` shards of `batch_size` images, each with its own batch statistics: one
    process per shard, or fewer processes in sequence, with the same result.

    Raises:
        OptionError: for invalid values.
    """

    name: str = "small"
    pipeline: Pipeline = Pipeline.plain
    epochs: int = 30
    batch_size: int = 64
    shards: int = 1
    learning_rate: float = 0.1
    warmup_epochs: int = 1
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 5e-4
    norm_momentum: float = 0.1
    held_out: float = 0.1
    precision: TrainingPrecision = TrainingPrecision.fp32
    augmentation: Augmentation = field(default_factory=lambda: Augmentation(shift=1, label_smoothing=0.1))
    teacher: Teacher | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "shards"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        _require(self.batch_size >= 2, "batch_size", self.batch_size, "at least 2, because of batch normalisation")
        _require(self.learning_rate > 0, "learning_rate", self.learning_rate, "more than 0")
        _require(0 <= self.warmup_epochs < self.epochs, "warmup_epochs", self.warmup_epochs, "below recipe.epochs")
        _require(0 <= self.momentum < 1, "momentum", self.momentum, "from 0 to below 1")
        _require(self.momentum > 0 or not self.nesterov, "nesterov", self.nesterov, "false without momentum")
        _require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        _require(0 < self.norm_momentum <= 1, "norm_momentum", self.norm_momentum, "above 0, at most 1")
        _require(0 < self.held_out < 1, "held_out", self.held_out, "between 0 and 1")

    def learning_rate_at(self, epochs: float) -> float:
        """The learning rate after a fractional number of epochs."""
        if epochs < self.warmup_epochs:
            return self.learning_rate * epochs / self.warmup_epochs
        done = (epochs - self.warmup_epochs) / (self.epochs - self.warmup_epochs)
        return self.learning_rate * (1 + math.cos(math.pi * done)) / 2


def _require(holds: bool, name: str, value: object, what: str) -> None:
    if not holds:
        raise OptionError(f"recipe.{name}={value} is invalid: it must be {what}.")
