"""The recipe of the embedded truth: network, images, schedule. Why these numbers: EXPLORATION.md beside this file."""

from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.inputs.digits import DIGITS
from benchmarks.nats_tss.network import Skeleton
from benchmarks.nats_tss.space import skeleton_of
from harness.errors import OptionError
from harness.inputs import InputKind
from harness.randomness import derive_seed


@dataclass(frozen=True)
class Recipe:
    """All that determines a test accuracy beside the cell and the seed.

    Distortions are drawn uniformly in plus or minus their maximum, anew for every image of every batch; the scale is
    drawn on a logarithmic axis. The learning rate rises linearly from zero to its peak during the first
    `warmup_fraction` of the steps and falls linearly to zero during the others.

    Raises:
        OptionError: if a number cannot work, or if the width and depth are not those of the space's digits network.
    """

    channels: int = 8
    cells_per_stage: int = 1
    n_train_images: int = 897
    split_seed: int = 0
    seeds: tuple[int, ...] = (0, 1, 2)
    n_steps: int = 250
    batch_size: int = 32
    peak_learning_rate: float = 0.1
    warmup_fraction: float = 0.2
    momentum: float = 0.9
    weight_decay: float = 5e-4
    max_shift_pixels: float = 1.5
    max_rotation_degrees: float = 40.0
    max_log_scale: float = 0.3
    n_test_copies: int = 6

    def __post_init__(self) -> None:
        for name in ("n_train_images", "n_steps", "batch_size", "n_test_copies"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name}={getattr(self, name)} cannot work; it must be at least 1.")
        if not 0 < self.warmup_fraction < 1:
            raise OptionError(f"warmup_fraction={self.warmup_fraction} cannot work; it must lie between 0 and 1.")
        asked, known = Skeleton(self.channels, self.cells_per_stage), skeleton_of(DIGITS)
        if asked != known:
            raise OptionError(f"{asked} is not the digits network, which is {known}.")

    def learning_rate(self, step: int) -> float:
        """The rate of step 0 .. n_steps - 1, taken at the step's middle so that none is zero."""
        progress = (step + 0.5) / self.n_steps
        rising = progress / self.warmup_fraction
        falling = (1 - progress) / (1 - self.warmup_fraction)
        return self.peak_learning_rate * min(rising, falling)

    def as_json(self) -> dict[str, object]:
        """All fields, as JSON reads them back."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """`images` float32 [n, 1, 8, 8], intensities in [0, 1]; `labels` int64 [n] in [0, 10)."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Split:
    """Positions, in scikit-learn's order, of the training images and of the held-out test images."""

    train: tuple[int, ...]
    test: tuple[int, ...]


def split(recipe: Recipe) -> Split:
    """The recipe's split of all digits: a permutation drawn from `split_seed`, cut at `n_train_images`.

    Raises:
        OptionError: if no image is left for the test.
    """
    n_images = len(_digits())
    if recipe.n_train_images >= n_images:
        raise OptionError(f"{recipe.n_train_images} training images leave none of {n_images} for the test.")
    order = np.random.default_rng(derive_seed("digits split", recipe.split_seed)).permutation(n_images).tolist()
    return Split(tuple(order[: recipe.n_train_images]), tuple(order[recipe.n_train_images :]))


def training_images(recipe: Recipe) -> LabelledImages:
    """The training images as they are, undistorted: what a proxy of this benchmark should be shown."""
    return _rows(split(recipe).train)


def held_out_images(recipe: Recipe) -> LabelledImages:
    """The held-out images as they are, undistorted."""
    return _rows(split(recipe).test)


def _rows(rows: tuple[int, ...]) -> LabelledImages:
    everything, index = _digits(), torch.tensor(rows)
    return LabelledImages(everything.images[index], everything.labels[index])


@cache
def _digits() -> LabelledImages:
    read = DIGITS.read(InputKind.real, Path())  # the digits are embedded: the image home is not looked at
    images = torch.from_numpy(read.images).permute(0, 3, 1, 2).to(torch.float32) / 255
    return LabelledImages(images.contiguous(), torch.from_numpy(read.labels))
