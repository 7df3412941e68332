"""The optional library timm: the ImageNet training pipeline, and teachers. It requires torchvision, too."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from torch import Tensor, nn

from harness.errors import HarnessError, MissingDataError, OptionError
from harness.inputs import DataSet
from harness.randomness import isolated
from harness.timm_import import import_timm
from harness.train.examples import Examples, Shard
from harness.train.process_group import ProcessGroup
from harness.train.recipe import Recipe


def timm_model(name: str, n_classes: int) -> nn.Module:
    """A trained network of timm.

    Raises:
        MissingDataError: if timm is not installed, or cannot download the weights.
        OptionError: if timm has no such model.
    """
    timm = _imported("A teacher of timm")
    if not timm.is_model_pretrained(name):
        known = ", ".join(timm.list_pretrained(f"*{name.split('.')[0]}*")[:5]) or "see timm.list_pretrained()"
        raise OptionError(f"timm has no trained model called '{name}'. Similar: {known}.")
    try:
        return cast(nn.Module, timm.create_model(name, pretrained=True, num_classes=n_classes))
    except (OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise MissingDataError(f"timm cannot download the weights of {name}: {reason}.") from error


@dataclass(frozen=True, eq=False)
class TimmExamples(Examples):
    """Images of a folder `train/<class>/` and `val/<class>/`, augmented by timm.

    The random numbers of an epoch depend only on (seed, epoch, process), so that a resumed run continues with the same
    ones; they change with the number of processes or of `workers`.
    """

    recipe: Recipe
    seed: int
    group: ProcessGroup
    train: Any  # timm's loaders have no types
    test: Any
    mixup: Any
    folder: Path

    @classmethod
    def open(
        cls, data_set: DataSet, recipe: Recipe, folder: Path, group: ProcessGroup, *, seed: int, workers: int
    ) -> "TimmExamples":
        """The images of a folder, for one process of a group.

        Raises:
            MissingDataError: if timm is not installed, or the folder lacks train/ or val/.
            OptionError: if the number of classes differs from that of the data set.
        """
        data = _imported("recipe.pipeline=timm", "timm.data")
        for part in ("train", "val"):
            _check_folder(folder / part, data_set)
        _check_sizes(recipe)
        how, n_own = recipe.augmentation, len(group.shards(recipe.shards))
        smoothed = {"label_smoothing": how.label_smoothing, "num_classes": data_set.n_classes}
        # Without an alpha timm's Mixup refuses to run; with a probability of 0 it only smooths the labels.
        mixup = data.Mixup(mixup_alpha=how.mixup or 1.0, prob=1.0 if how.mixup else 0.0, **smoothed)
        shared = {
            "input_size": data_set.shape,
            "use_prefetcher": False,
            "mean": data_set.mean,
            "std": data_set.std,
            "num_workers": workers,
            "distributed": group.size > 1,
            "interpolation": "bicubic",
            "persistent_workers": False,  # so that workers are reseeded in each epoch
        }
        train = data.create_loader(
            data.ImageDataset(str(folder / "train")),
            batch_size=recipe.batch_size * n_own,
            is_training=True,
            hflip=0.5 if how.flip else 0.0,
            re_prob=how.random_erasing,
            re_mode="pixel",
            auto_augment=how.auto_augment,
            **shared,
        )
        _check_enough(train, recipe.batch_size * n_own)
        test = data.create_loader(data.ImageDataset(str(folder / "val")), batch_size=recipe.batch_size, **shared)
        return cls(recipe, seed, group, train, test, mixup, folder)

    @property
    def n_steps(self) -> int:
        return len(self.train)

    @property
    def source(self) -> str:
        return f"{len(self.train.dataset):,} of {self.folder / 'train'}; tested on {len(self.test.dataset):,} of val"

    def epoch(self, number: int, shards: Sequence[int]) -> Iterator[list[Shard]]:
        if self.group.size > 1:
            self.train.sampler.set_epoch(number)
        with isolated("timm", self.seed, number, self.group.rank), _readers_told():
            for images, classes in self.train:
                mixed = [
                    self.mixup(*part)
                    for part in zip(images.chunk(len(shards)), classes.chunk(len(shards)), strict=True)
                ]
                yield [cast(Shard, shard) for shard in mixed]

    def tests(self, rank: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        with _readers_told():
            yield from self.test


@contextmanager
def _readers_told() -> Iterator[None]:
    """A process that reads images and is killed ends in one sentence.

    Raises:
        HarnessError: if one was.
    """
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise HarnessError(
            f"A process that reads images has ended: {str(error).splitlines()[0]} Batches wait in shared memory: "
            "enlarge /dev/shm, or give fewer workers= or a smaller recipe.batch_size."
        ) from error


def _check_folder(folder: Path, data_set: DataSet) -> None:
    if not folder.is_dir():
        raise MissingDataError(
            f"There is no folder {folder}; recipe.pipeline=timm expects images as train/<class>/* and val/<class>/* in "
            f"data={folder.parent}. {data_set.how_to_get}."
        )
    n_classes = sum(path.is_dir() for path in folder.iterdir())
    if n_classes != data_set.n_classes:
        raise OptionError(f"{folder} has {n_classes:,} class folders; {data_set.name} has {data_set.n_classes:,}.")


def _imported(what: str, module: str = "timm") -> Any:
    """A module of timm; if timm or torchvision cannot be imported, one sentence says so.

    Raises:
        MissingDataError: if it cannot be imported.
    """
    try:
        return import_timm(what, module)
    except MissingDataError as error:
        raise MissingDataError(f"{error}, or use recipe=small without a timm teacher.") from error


def _check_sizes(recipe: Recipe) -> None:
    """Timm's mixup pairs the images of a shard, also where it only smooths labels.

    Raises:
        OptionError: if they cannot be paired.
    """
    if recipe.batch_size % 2:
        raise OptionError(
            f"recipe.batch_size={recipe.batch_size} is invalid with recipe.pipeline=timm: it must be even, because "
            "mixup pairs images."
        )


def _check_enough(loader: Any, n_images: int) -> None:
    """An incomplete step is dropped, so that there must be a complete one.

    Raises:
        OptionError: if there is none.
    """
    if not len(loader):
        n = len(loader.dataset)
        raise OptionError(
            f"A step of {n_images:,} images is invalid: there are {n:,} training images; reduce recipe.batch_size or "
            "recipe.shards."
        )
