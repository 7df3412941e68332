"""A user's own folder of images as a data set: one subfolder for each class."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.inputs.batch import Rows
from harness.inputs.losses import CROSS_ENTROPY
from harness.inputs.own_data import DataOptions, OwnData, chosen_loss, chosen_statistics, own_name, spaced

_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})
_GREY = frozenset({"1", "L", "LA", "I", "I;16", "F"})
_MOST_LOOKED_AT = 256


@dataclass(frozen=True)
class ImageFolder(OwnData):
    """Image files `<path>/<class>/<file>`, read by Pillow as uint8, grey or in three colours.

    `resized` says whether they are brought to the size of `shape`; otherwise all must have it.
    """

    resized: bool = field(kw_only=True)

    def rows(self) -> tuple[Rows, Rows]:
        """The files, each opened when it is asked for, and their classes in alphabetical order."""
        files, classes = _files(self.path)
        return _Files(files, self), np.array(classes, np.int64)

    def tensor(self, inputs: NDArray[np.generic]) -> Tensor:
        """Images [n, *shape], standardised."""
        values = torch.from_numpy(np.ascontiguousarray(inputs)).permute(0, 3, 1, 2).to(torch.float32) / 255
        mean, std = (torch.tensor(numbers).reshape(-1, 1, 1) for numbers in (self.mean, self.std))
        return ((values - mean) / std).contiguous()


@dataclass(frozen=True)
class _Files:
    """Image files, read as uint8 [k, height, width, channels]."""

    files: Sequence[Path]
    data_set: ImageFolder

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        channels, height, width = self.data_set.shape
        found = np.empty((len(rows), height, width, channels), np.uint8)
        for place, row in enumerate(rows):
            found[place] = _pixels(self.files[int(row)], self.data_set.shape, resized=self.data_set.resized)
        return found


def open_folder(path: Path, word: str, options: DataOptions, loss: str | None) -> ImageFolder:
    """The data set of a folder.

    Args:
        path: the folder.
        word: as the user wrote it.
        options: how it is read.
        loss: the setting `loss`.

    Raises:
        MissingDataError: if there is no such folder.
        CorruptDataError: if it has no classes, a class has no images, or an image cannot be read.
        OptionError: for options that do not fit.
    """
    if not path.is_dir():
        raise MissingDataError(f"dataset={word} is neither the name of a data set nor a folder: there is no '{path}'.")
    files, classes = _files(path)
    n_classes = max(classes) + 1
    if options.classes is not None and options.classes < n_classes:
        raise OptionError(f"data.classes={options.classes} is invalid: '{path}' has {n_classes} subfolders of classes.")
    looked_at = [files[row] for row in spaced(len(files), 2**28 // _MOST_LOOKED_AT)]
    modes, sizes = zip(*map(_mode_and_size, looked_at), strict=True)
    channels = 1 if set(modes) <= _GREY else 3
    height, width = (options.size * 2)[:2] if options.size else sizes[0][::-1]
    shape, resized = (channels, height, width), options.size is not None
    own = None
    if options.normalise is not False and options.mean is None:
        values = np.stack([_pixels(file, shape, resized=resized) for file in looked_at]) / 255
        own = values.mean(axis=(0, 1, 2)).tolist(), values.std(axis=(0, 1, 2)).tolist()
    mean, std = chosen_statistics(options, channels, own)
    return ImageFolder(
        own_name(path, word), options.classes or n_classes, shape, mean, std,
        path=path, criterion=chosen_loss(loss, CROSS_ENTROPY, is_float=False), resized=resized,
        licence="your own", how_to_get="It is your own folder",
    )  # fmt: skip


def _files(path: Path) -> tuple[list[Path], list[int]]:
    """The image files in the order of classes and names, and the class of each."""
    folders = sorted(one for one in path.iterdir() if one.is_dir() and not one.name.startswith((".", "__")))
    if len(folders) < 2:
        raise CorruptDataError(
            f"'{path}' has {len(folders)} subfolders; it must have two or more, one for each class, with its images."
        )
    files: list[Path] = []
    classes: list[int] = []
    for number, folder in enumerate(folders):
        own = sorted(one for one in folder.rglob("*") if one.suffix.lower() in _SUFFIXES and one.is_file())
        if not own:
            kinds = ", ".join(sorted(one[1:] for one in _SUFFIXES))
            raise CorruptDataError(f"'{folder}' has no images; a subfolder is a class, its images are {kinds}.")
        files += own
        classes += [number] * len(own)
    return files, classes


def _mode_and_size(file: Path) -> tuple[str, tuple[int, int]]:
    with _opened(file) as image:
        return image.mode, image.size


def _pixels(file: Path, shape: Sequence[int], *, resized: bool) -> NDArray[np.uint8]:
    """uint8 [height, width, channels]."""
    channels, height, width = shape
    try:
        with _opened(file) as image, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metadata that Pillow does not know
            grey_16 = image.mode.startswith("I")
            found = image.point(lambda value: value / 256).convert("L") if grey_16 else image
            found = found.convert("L" if channels == 1 else "RGB")
            if found.size != (width, height):
                if not resized:
                    raise CorruptDataError(
                        f"'{file}' is {found.height} x {found.width} pixels, others of its folder {height} x {width}; "
                        f"give data.size={height} to resize all, or data.size=[{height},{width}]."
                    )
                found = found.resize((width, height), Image.Resampling.BILINEAR)
            return np.asarray(found).reshape(height, width, channels)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        if isinstance(error, CorruptDataError):
            raise
        raise _unreadable(file, error) from error


def _opened(file: Path) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(file)
    except (
        OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning,
    ) as error:  # fmt: skip
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: BaseException) -> CorruptDataError:
    return CorruptDataError(
        f"'{file}' cannot be read as an image ({type(error).__name__}). Remove it, or replace it by a whole one."
    )
