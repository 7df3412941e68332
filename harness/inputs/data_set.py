"""Inputs: the images of a data set, declared as real, substitute or noise, drawn into batches."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from harness.errors import OptionError
from harness.inputs.archives import ImageArchive, ImageFolder
from harness.inputs.batch import Batch, Batches, BatchRequest, Images, InputKind
from harness.inputs.packing import InputPart
from harness.paths import images_home
from harness.randomness import generator
from harness.registry import Registry


@dataclass(frozen=True)
class DataSet(ABC):
    """A labelled image data set; instances are registered in `DATA_SETS` under their name.

    `n_classes` is the number of outputs of a network per input, or per pixel. `shape` is (channels, height, width); if
    an input consists of several images, they are concatenated along the channels; inputs of a user's own may have any
    shape. `mean` and `std` are per channel, of intensities in [0, 1]. `how_to_get` is one sentence with the command or
    web page for obtaining the real images; `archive` is what that command fetches. `embedded` data sets come with an
    installed package.
    """

    name: str
    n_classes: int
    shape: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    licence: str = field(kw_only=True)
    how_to_get: str = field(kw_only=True)
    archive: ImageArchive | ImageFolder | None = field(default=None, kw_only=True)
    embedded: bool = field(default=False, kw_only=True)
    parts: tuple[InputPart, ...] = field(default=(), kw_only=True)
    """The inputs that a sample consists of, where it is not one tensor of numbers; see `harness.inputs.packing`."""

    @property
    def has_indices(self) -> bool:
        """Whether an input holds whole numbers, such as tokens, which neither noise nor gradients are defined for."""
        return any(part.is_index for part in self.parts)

    @property
    def key(self) -> str:
        """What identifies the data set in the key of a score, beside the batches: where it is not published, more."""
        return self.name

    @property
    def n_tokens(self) -> int | None:
        """The number of different tokens, where inputs are sequences of them and it is known; None otherwise."""
        return None

    @property
    def loss_label(self) -> str:
        """The loss as the setting `loss` names it, where there is a choice; empty elsewhere."""
        return ""

    @property
    def caution(self) -> str:
        """A sentence without full stop that readers of scores must know, such as that a loss is constant; or empty."""
        return ""

    def with_loss(self, word: str) -> "DataSet":
        """The same data with another loss, which `key` then says.

        Raises:
            OptionError: if it has no such loss; most data sets have the one of their task.
        """
        raise OptionError(
            f"loss={word} is for data of your own; dataset={self.name} has images, classes and loss of its own."
        )

    @abstractmethod
    def read(self, kind: InputKind, home: Path) -> Images:
        """The real or substitute training images under `home`.

        Raises:
            MissingDataError: if they are missing, naming the folder and how to obtain them.
            CorruptDataError: if a file is truncated, malformed, or has the published size but other contents.
        """

    @abstractmethod
    def present(self, home: Path) -> dict[InputKind, Path]:
        """The kinds of images present under `home`, each with its file or folder; nothing is read."""

    def given_batches(self, request: BatchRequest) -> tuple[tuple[Batch, ...], str] | None:
        """Batches that are no stored images, as those of a loader, with a word on their source; None: read images."""
        return None

    def read_held_out(self, home: Path) -> Images | None:
        """Held-out images for testing trained networks, disjoint from `read`; None if not supported.

        Raises:
            MissingDataError: if they are missing.
            CorruptDataError: if a file is damaged.
        """
        return None

    def draw(self, request: BatchRequest, home: Path) -> tuple[tuple[Batch, ...], str]:
        """The batches of real or substitute images that a request asks for, and their source in words.

        Raises:
            OptionError: if more images are requested than there are.
            MissingDataError, CorruptDataError: as `read`.
        """
        images = self.read(request.kind, home)
        n_available, n_wanted = len(images.labels), request.n_batches * request.batch_size
        if n_wanted > n_available:
            raise too_few(self.name, request, images.source, n_available)
        order = torch.randperm(n_available, generator=generator("batches", request.seed, self.name)).numpy()
        starts = range(0, n_wanted, request.batch_size)
        return tuple(self.batch(images, order[at : at + request.batch_size]) for at in starts), images.source

    def batch(self, images: Images, rows: NDArray[np.int64]) -> Batch:
        """The images of the given rows, channels first, standardised by the data set's mean and standard deviation."""
        intensities = torch.from_numpy(images.images[rows]).permute(0, 3, 1, 2).to(torch.float32) / 255
        mean = torch.tensor(self.mean).reshape(-1, 1, 1)
        std = torch.tensor(self.std).reshape(-1, 1, 1)
        return Batch(((intensities - mean) / std).contiguous(), torch.from_numpy(images.labels[rows]))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The scalar that training minimises, mean over the batch: cross-entropy of logits [batch, n_classes]."""
        return F.cross_entropy(outputs, targets)

    def classes(self, targets: Tensor) -> Tensor | None:
        """The class of each input, int64 [batch]; None if the task has none.

        Targets of one integer for each input are classes; a task with classes and other targets overrides this.
        """
        return targets if targets.dim() == 1 and not targets.is_floating_point() else None

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """Random targets [n, ...] of the shape and type that `loss` takes, for noise inputs."""
        return torch.randint(self.n_classes, (n,), generator=source)

    def noise_images(self, n: int, source: torch.Generator) -> Tensor:
        """Noise inputs [n, *shape]: N(0,1), or tokens drawn uniformly.

        Raises:
            OptionError: if inputs hold whole numbers, and it is not known how many different ones there are.
        """
        if self.n_tokens is not None:
            return torch.randint(self.n_tokens, (n, *self.shape), generator=source).float()
        if self.has_indices:
            raise OptionError(
                f"inputs=noise is invalid for {self.name}, whose inputs are whole numbers. Use inputs=real."
            )
        return torch.randn(n, *self.shape, generator=source)

    @property
    def noise_words(self) -> str:
        """What noise consists of."""
        if self.n_tokens is None:
            return "N(0,1), random labels"
        return f"random tokens from 0 to {self.n_tokens - 1:,}, no text; random targets"

    def noise_targets(self, images: Tensor, source: torch.Generator) -> Tensor:
        """Targets for noise images [n, *shape]: random, unless a target is by definition a function of its image."""
        return self.random_targets(len(images), source)


DATA_SETS: Registry[DataSet] = Registry("data set", "benchmarks.inputs")


def draw_batches(data_set: DataSet, request: BatchRequest, home: Path | None = None) -> Batches:
    """Batches drawn from (seed, data set): training images without replacement and without augmentation, or noise.

    Equal requests give equal bytes, and more batches of the same size begin with the same ones.

    Args:
        data_set: the data set.
        request: number, size, kind and seed of the batches.
        home: the folder of images, by default `HARNESS_IMAGES`.

    Raises:
        OptionError: if more images are requested than there are.
        MissingDataError: if the images are missing.
        CorruptDataError: if their file is damaged.
    """
    if request.kind is InputKind.noise:
        batches = tuple(_noise_batch(data_set, request, index) for index in range(request.n_batches))
        return Batches(batches, _digest(batches), request.kind, f"{data_set.noise_words}, seed {request.seed}")
    given = data_set.given_batches(request)
    if given is not None:
        return Batches(given[0], _digest(given[0]), request.kind, given[1])
    batches, read = data_set.draw(request, home or images_home())
    return Batches(batches, _digest(batches), request.kind, read)


def too_few(name: str, request: BatchRequest, source: str, n_available: int, what: str = "images") -> OptionError:
    """The error that a data set has fewer images than a request asks for, with a setting that it has enough for."""
    n_wanted = request.n_batches * request.batch_size
    fitting = n_available // request.n_batches
    repair = f"Use protocol.batch_size={fitting} or a smaller one." if fitting else "Take fewer batches."
    return OptionError(
        f"{request.n_batches} batches of {request.batch_size} need {n_wanted:,} {what} of {name}, but "
        f"{source} has {n_available:,}. {repair}"
    )


def preferred_kind(data_set: DataSet, kinds: Sequence[InputKind], home: Path | None = None) -> InputKind:
    """The first of the given kinds that is available (noise always is); the first of all if none is."""
    here = {InputKind.noise, *data_set.present(home or images_home())}
    if data_set.embedded:
        here.add(InputKind.real)
    return next((kind for kind in kinds if kind in here), kinds[0])


def _noise_batch(data_set: DataSet, request: BatchRequest, index: int) -> Batch:
    """One noise batch from a generator of its own, so that a batch does not depend on the number of batches."""
    source = generator("batches", request.seed, data_set.name, "noise", index)
    images = data_set.noise_images(request.batch_size, source)
    return Batch(images, data_set.noise_targets(images, source))


def _digest(batches: tuple[Batch, ...]) -> str:
    digest = hashlib.sha256()
    for batch in batches:
        for tensor in (batch.images, batch.targets):
            digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
            digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()
