"""Training examples: the interface, and the pipeline without additional dependencies."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from harness.errors import OptionError
from harness.inputs import DataSet, Images, InputKind
from harness.randomness import generator
from harness.train.recipe import Augmentation, Recipe

_TEST_BATCH = 256

Shard = tuple[Tensor, Tensor]
"""Images float32 [batch, channels, height, width] and probabilities of the classes [batch, n_classes]."""


class Examples(ABC):
    """Training and test examples of a network."""

    @property
    @abstractmethod
    def n_steps(self) -> int:
        """Number of steps per epoch."""

    @property
    @abstractmethod
    def source(self) -> str:
        """Description of the images, for the record."""

    @abstractmethod
    def epoch(self, number: int, shards: Sequence[int]) -> Iterator[list[Shard]]:
        """The requested shards of each step of an epoch; equal arguments give equal shards."""

    @abstractmethod
    def tests(self, rank: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Test images and classes [batch] of process `rank` out of `size`."""


@dataclass(frozen=True, eq=False)
class PlainExamples(Examples):
    """A data set's own images, read on demand; an incomplete last step is dropped.

    The order of the images depends only on (seed, epoch), the augmentation of a shard on (seed, epoch, step, shard).
    """

    data_set: DataSet
    recipe: Recipe
    seed: int
    train: Images
    train_rows: NDArray[np.int64]
    test: Images
    test_rows: NDArray[np.int64]

    @classmethod
    def open(cls, data_set: DataSet, recipe: Recipe, seed: int, home: Path) -> "PlainExamples":
        """The images under an image home; test images are the data set's own, or a fixed split for all seeds.

        Raises:
            MissingDataError, CorruptDataError: as `DataSet.read`.
            OptionError: if there are fewer images than a step needs, or the recipe needs timm.
        """
        if recipe.augmentation.auto_augment is not None:
            raise OptionError("recipe.augmentation.auto_augment needs recipe.pipeline=timm.")
        train = data_set.read(InputKind.real, home)
        test = data_set.read_held_out(home)
        rows = np.arange(len(train.labels))
        if test is None:
            order = torch.randperm(len(rows), generator=generator("held out", data_set.name)).numpy()
            n_test = max(1, round(recipe.held_out * len(rows)))
            test, test_rows, rows = train, np.sort(order[:n_test]), np.sort(order[n_test:])
        else:
            test_rows = np.arange(len(test.labels))
        found = cls(data_set, recipe, seed, train, rows, test, test_rows)
        if not found.n_steps:
            raise OptionError(
                f"recipe.batch_size={recipe.batch_size} with recipe.shards={recipe.shards} needs "
                f"{recipe.batch_size * recipe.shards:,} images; {train.source} has {len(rows):,} for training."
            )
        return found

    @property
    def n_steps(self) -> int:
        return len(self.train_rows) // (self.recipe.batch_size * self.recipe.shards)

    @property
    def source(self) -> str:
        held_out = f"{len(self.test_rows):,} of {self.test.source}"
        return f"{len(self.train_rows):,} of {self.train.source}; tested on {held_out}"

    def epoch(self, number: int, shards: Sequence[int]) -> Iterator[list[Shard]]:
        order = torch.randperm(len(self.train_rows), generator=generator("epoch", self.seed, number)).numpy()
        size, n_shards = self.recipe.batch_size, self.recipe.shards
        for step in range(self.n_steps):
            found = []
            for shard in shards:
                first = (step * n_shards + shard) * size
                batch = self.data_set.batch(self.train, self.train_rows[order[first : first + size]])
                rng = generator("shard", self.seed, number, step, shard)
                classes = F.one_hot(batch.targets, self.data_set.n_classes).to(torch.float32)
                found.append(augmented(batch.images, classes, self.recipe.augmentation, rng))
            yield found

    def tests(self, rank: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        own = self.test_rows[rank::size]
        for start in range(0, len(own), _TEST_BATCH):
            batch = self.data_set.batch(self.test, own[start : start + _TEST_BATCH])
            yield batch.images, batch.targets


def augmented(images: Tensor, classes: Tensor, how: Augmentation, rng: torch.Generator) -> Shard:
    """Augmented images [batch, ...] and their smoothed, mixed classes [batch, n_classes]."""
    if how.shift:
        images = _shifted(images, how.shift, rng)
    if how.flip:
        flips = torch.rand(len(images), generator=rng) < 0.5
        images = torch.where(flips[:, None, None, None], images.flip(-1), images)
    if how.random_erasing:
        images = _erased(images, how.random_erasing, rng)
    classes = classes * (1 - how.label_smoothing) + how.label_smoothing / classes.shape[1]
    if how.mixup:
        # Beta variates come from NumPy, because torch draws them from its global generator only.
        kept = np.random.default_rng(int(torch.randint(2**62, (), generator=rng))).beta(how.mixup, how.mixup)
        other = torch.randperm(len(images), generator=rng)
        images = kept * images + (1 - kept) * images[other]
        classes = kept * classes + (1 - kept) * classes[other]
    return images, classes


def _shifted(images: Tensor, shift: int, rng: torch.Generator) -> Tensor:
    """Shift each image by up to `shift` pixels in both directions, with replicated borders."""
    padded = F.pad(images, (shift,) * 4, mode="replicate")
    height, width = images.shape[-2:]
    corners = torch.randint(2 * shift + 1, (len(images), 2), generator=rng).tolist()
    moved = [image[:, y : y + height, x : x + width] for image, (y, x) in zip(padded, corners, strict=True)]
    return torch.stack(moved)


def _erased(images: Tensor, probability: float, rng: torch.Generator) -> Tensor:
    """Random erasing: fill a rectangle of 2 % to a third of an image with N(0,1). arXiv:1708.04896."""
    height, width = images.shape[-2:]
    images = images.clone()
    for image in images:
        chance, area, ratio = torch.rand(3, generator=rng).tolist()
        pixels = (0.02 + area * (1 / 3 - 0.02)) * height * width
        aspect = 0.3 ** (1 - 2 * ratio)  # log-uniform from 0.3 to 1 / 0.3
        h, w = min(height, max(1, round((pixels * aspect) ** 0.5))), min(width, max(1, round((pixels / aspect) ** 0.5)))
        top = int(torch.randint(height - h + 1, (), generator=rng))
        left = int(torch.randint(width - w + 1, (), generator=rng))
        noise = torch.randn(image.shape[0], h, w, generator=rng)
        if chance < probability:
            image[:, top : top + h, left : left + w] = noise
    return images
