"""Recipes: how a network is trained, whatever it is trained on."""

import math
from dataclasses import dataclass, field
from enum import Enum

from harness.errors import OptionError


class Pipeline(Enum):
    """What reads and augments the images."""

    plain = "plain"  # this project's, on tensors in memory
    timm = "timm"  # the library timm, from a folder of image files


@dataclass(frozen=True)
class Augmentation:
    """What is done to training images and their labels; conf/recipe/small.yaml says what each number means.

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
    """A trained network whose probabilities the student is to give too: `timm:MODEL`, or the folder of a training.

    `weight` is that of the cross-entropy with them; `size` that of its images, in pixels, None for the student's.
    """

    source: str
    weight: float = 1.0
    size: int | None = None

    def __post_init__(self) -> None:
        _require(self.weight > 0, "teacher.weight", self.weight, "more than 0")
        _require(self.size is None or self.size > 0, "teacher.size", self.size, "at least 1")


@dataclass(frozen=True)
class Recipe:
    """Stochastic gradient descent with momentum, a linear warm-up and a cosine to zero.

    A step sees `shards` shards of `batch_size` images, normalised apart, and averages their gradients: as many
    processes compute them together, or fewer one after another, with the same result.

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
    augmentation: Augmentation = field(default_factory=Augmentation)
    teacher: Teacher | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "shards"):
            _require(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        _require(
            self.batch_size >= 2, "batch_size", self.batch_size, "at least 2, since images are normalised together"
        )
        _require(self.learning_rate > 0, "learning_rate", self.learning_rate, "more than 0")
        _require(0 <= self.warmup_epochs < self.epochs, "warmup_epochs", self.warmup_epochs, "below recipe.epochs")
        _require(0 <= self.momentum < 1, "momentum", self.momentum, "from 0 to below 1")
        _require(self.momentum > 0 or not self.nesterov, "nesterov", self.nesterov, "false without momentum")
        _require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")
        _require(0 < self.norm_momentum <= 1, "norm_momentum", self.norm_momentum, "above 0, at most 1")
        _require(0 < self.held_out < 1, "held_out", self.held_out, "between 0 and 1")

    def learning_rate_at(self, epochs: float) -> float:
        """The learning rate after some epochs, the present one counted in part."""
        if epochs < self.warmup_epochs:
            return self.learning_rate * epochs / self.warmup_epochs
        done = (epochs - self.warmup_epochs) / (self.epochs - self.warmup_epochs)
        return self.learning_rate * (1 + math.cos(math.pi * done)) / 2


def _require(holds: bool, name: str, value: object, what: str) -> None:
    if not holds:
        raise OptionError(f"recipe.{name}={value} is invalid: it must be {what}.")
