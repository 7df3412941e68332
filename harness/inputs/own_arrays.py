"""A user's own npz file as a data set: images, vectors or tokens with their targets; only the batches are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import CorruptDataError
from harness.files.npz_rows import NpzRows, names_in, open_npz
from harness.inputs.batch import Rows
from harness.inputs.losses import CROSS_ENTROPY, IGNORED, MASKED, MSE, NEXT_TOKEN, Loss
from harness.inputs.own_data import (
    DataOptions,
    OwnData,
    chosen_loss,
    chosen_statistics,
    next_tokens,
    number_of,
    own_name,
    spaced,
)
from harness.inputs.packing import InputPart

_IMAGES, _TOKENS = "images", "tokens"
_TARGETS = ("labels", "targets")
_MOST_LIKELY_CHANNELS = 4
_LICENCE, _HOW_TO_GET = "your own", "It is your own file"


@dataclass(frozen=True)
class NpzImages(OwnData):
    """The arrays `images` and `labels` of an npz file.

    Images are uint8 [n, height, width, channels] or [n, height, width], or floats [n, ...] in the shape that networks
    take, for images [n, channels, height, width].
    """

    is_uint8: bool = field(kw_only=True)

    def rows(self) -> tuple[Rows, Rows]:
        """Both arrays, of which nothing is read yet."""
        return _opened(self.path, _IMAGES)

    def tensor(self, inputs: NDArray[np.generic]) -> Tensor:
        """Images [n, *shape], standardised."""
        values = torch.from_numpy(np.ascontiguousarray(inputs))
        if self.is_uint8:
            values = values.reshape(len(values), *self.shape[1:], self.shape[0]).permute(0, 3, 1, 2)
            values = values.to(torch.float32) / 255
        axes = (-1, *[1] * (len(self.shape) - 1))
        mean, std = (torch.tensor(numbers).reshape(axes) for numbers in (self.mean, self.std))
        return ((values.to(torch.float32) - mean) / std).contiguous()


@dataclass(frozen=True)
class NpzTokens(OwnData):
    """The array `tokens`, int64 [n, length], of an npz file.

    Targets are `labels` [n], a class for each sequence; or `targets` [n, length], a token for each position and -100
    where none is asked for; without either, at each position the token that follows.
    """

    vocabulary: int = field(kw_only=True)

    @property
    def n_tokens(self) -> int:
        """How many different tokens there are: the largest and one more, or data.tokens."""
        return self.vocabulary

    def rows(self) -> tuple[Rows, Rows]:
        """Tokens, and their targets or the tokens again."""
        return _opened(self.path, _TOKENS)

    def tensor(self, inputs: NDArray[np.generic]) -> Tensor:
        """Tokens [n, length], whole numbers as float32; a network gets them as int64, see `DataSet.parts`."""
        return torch.from_numpy(np.ascontiguousarray(inputs, np.float32))

    def target_tensor(self, targets: NDArray[np.generic]) -> Tensor:
        """Targets as the loss takes them."""
        found = super().target_tensor(targets)
        return next_tokens(found) if self.criterion.name == NEXT_TOKEN else found


def open_npz_data(path: Path, word: str, options: DataOptions, loss: str | None) -> OwnData:
    """The data set of an npz file.

    Args:
        path: the file.
        word: as the user wrote it.
        options: how it is read.
        loss: the setting `loss`.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it is no npz file, or arrays are missing, of other types or shapes, or out of range.
        OptionError: for options that do not fit the data.
    """
    found = open_npz(path, (_IMAGES, _TOKENS, *_TARGETS))
    if (_IMAGES in found) == (_TOKENS in found):
        has = ", ".join(sorted(names_in(path))) or "no arrays"
        raise CorruptDataError(
            f"'{path}' holds {has}; it must hold either images or tokens, beside labels: "
            "numpy.savez(FILE, images=images, labels=labels)."
        )
    named = [name for name in _TARGETS if name in found]
    if len(named) > 1 or (not named and _IMAGES in found):
        has = " and ".join(named) or ", ".join(names_in(path))
        raise CorruptDataError(f"'{path}' holds {has}; it must hold labels or targets, one of the two.")
    inputs = found[_IMAGES] if _IMAGES in found else found[_TOKENS]
    targets = found[named[0]] if named else None
    if len(inputs.shape) < 2 or not len(inputs):
        raise CorruptDataError(
            f"'{path}' has {inputs.member} of shape {inputs.shape}; they must be [n, ...], n above 0."
        )
    if targets is not None and len(targets) != len(inputs):
        raise CorruptDataError(
            f"'{path}' has {len(inputs):,} {inputs.member} and {len(targets):,} {targets.member}; they must be as many."
        )
    if inputs.member == _TOKENS:
        return _tokens(inputs, targets, word, options, loss)
    assert targets is not None
    return _images(inputs, targets, word, options, loss)


def _images(images: NpzRows, labels: NpzRows, word: str, options: DataOptions, loss: str | None) -> NpzImages:
    path, is_uint8 = images.path, images.dtype == np.uint8
    shape = _shape_of_images(images)
    if options.size is not None and tuple(options.size) not in (shape[1:], shape[-1:]):
        raise CorruptDataError(
            f"data.size={list(options.size)} is for folders of images; those of '{path}' are {shape[-2:]} pixels."
        )
    n_outputs, of_target, criterion = _read_targets(labels, options, loss, CROSS_ENTROPY)
    own = None
    if options.normalise or (is_uint8 and options.normalise is None):
        own = _own_statistics(images, shape[0])
    mean, std = chosen_statistics(options, shape[0], own)
    return NpzImages(
        own_name(path, word), n_outputs, shape, mean, std,
        path=path, targets=of_target, criterion=criterion, is_uint8=is_uint8,
        licence=_LICENCE, how_to_get=_HOW_TO_GET,
    )  # fmt: skip


def _tokens(tokens: NpzRows, targets: NpzRows | None, word: str, options: DataOptions, loss: str | None) -> NpzTokens:
    path = tokens.path
    if tokens.dtype.kind not in "iu" or len(tokens.shape) != 2:
        raise CorruptDataError(
            f"'{path}' has tokens {tokens.dtype} {tokens.shape}; they must be integers [n, length], n above 0."
        )
    largest, smallest = tokens.largest_and_smallest()
    given = "tokens", options.tokens
    vocabulary = number_of(largest, smallest, given, f"'{path}' has tokens")
    if targets is None or targets.shape == tokens.shape:
        criterion = chosen_loss(loss, NEXT_TOKEN if targets is None else MASKED, is_float=False)
        if targets is not None:
            if targets.dtype.kind not in "iu":
                raise CorruptDataError(f"'{path}' has {targets.member} {targets.dtype}; those of tokens are integers.")
            largest_target, smallest = targets.largest_and_smallest()
            smallest = 0 if smallest == IGNORED else smallest  # where no token is asked for
            largest = max(largest, largest_target)
            vocabulary = number_of(largest, smallest, given, f"'{path}' has {targets.member}")
        n_outputs = options.classes or vocabulary
        of_target: tuple[int, ...] = tokens.shape[1:]
    else:
        n_outputs, of_target, criterion = _read_targets(targets, options, loss, CROSS_ENTROPY)
    return NpzTokens(
        own_name(path, word), n_outputs, tokens.shape[1:], (), (),
        path=path, targets=of_target, criterion=criterion, vocabulary=vocabulary,
        parts=(InputPart("", tokens.shape[1:], is_index=True),),
        licence=_LICENCE, how_to_get=_HOW_TO_GET,
    )  # fmt: skip


def _read_targets(
    targets: NpzRows, options: DataOptions, loss: str | None, usual: str
) -> tuple[int, tuple[int, ...], Loss]:
    """How many outputs a network has, the shape of a target, and the loss."""
    what = f"'{targets.path}' has {targets.member}"
    is_float = targets.dtype.kind == "f"
    of_target = () if targets.shape[1:] == (1,) else targets.shape[1:]
    criterion = chosen_loss(loss, MSE if is_float else usual, is_float=is_float)
    if is_float or (criterion.name == MSE and criterion.path is None):
        return options.classes or (of_target[0] if of_target else 1), of_target, criterion
    largest, smallest = targets.largest_and_smallest()
    return number_of(largest, smallest, ("classes", options.classes), what), of_target, criterion


def _shape_of_images(images: NpzRows) -> tuple[int, ...]:
    """Channels, height and width; of floats whatever there is.

    Raises:
        CorruptDataError: for other types and shapes, and for axes that seem to be in another order.
    """
    path, shape, dtype = images.path, images.shape, images.dtype
    if dtype == np.uint8:
        if len(shape) not in (3, 4):
            raise CorruptDataError(f"'{path}' has images uint8 {shape}; they must be [n, height, width, channels].")
        height, width, channels = shape[1:] if len(shape) == 4 else (*shape[1:], 1)
        if height <= _MOST_LIKELY_CHANNELS < min(width, channels) and width == channels:
            raise CorruptDataError(
                f"'{path}' has images uint8 {shape}, as if channels came first; save images.transpose(0, 2, 3, 1)."
            )
        return channels, height, width
    if dtype.kind != "f":
        raise CorruptDataError(
            f"'{path}' has images {dtype} {shape}; they must be uint8 [n, height, width, channels], or floats "
            "[n, channels, height, width]."
        )
    if len(shape) == 4 and shape[3] <= _MOST_LIKELY_CHANNELS < min(shape[1:3]) and shape[1] == shape[2]:
        raise CorruptDataError(
            f"'{path}' has images {dtype} {shape}, as if channels came last; save images.transpose(0, 3, 1, 2)."
        )
    return shape[1:]


def _own_statistics(images: NpzRows, n_channels: int) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel."""
    rows = spaced(len(images), int(np.prod(images.shape[1:])) * 8)
    values = images[rows].astype(np.float64)
    if images.dtype == np.uint8:
        values = values.reshape(-1, n_channels) / 255
    else:
        values = np.moveaxis(values, 1, -1).reshape(-1, n_channels)
        values = values[np.isfinite(values).all(axis=1)]  # what is not is told where it is drawn
    return values.mean(axis=0).tolist(), values.std(axis=0).tolist()


def _opened(path: Path, name: str) -> tuple[NpzRows, NpzRows]:
    found: Mapping[str, NpzRows] = open_npz(path, (name, *_TARGETS))
    if name not in found:
        raise CorruptDataError(f"'{path}' no longer holds {name}.")
    return found[name], next((found[target] for target in _TARGETS if target in found), found[name])
