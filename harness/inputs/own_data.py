"""A user's own data: what its kinds have in common, and the settings that say how it is read."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.inputs.batch import Batch, BatchRequest, Images, InputKind, Rows
from harness.inputs.data_set import DATA_SETS, DataSet, too_few
from harness.inputs.losses import IGNORED, MASKED, MSE, NEXT_TOKEN, OUTPUT_SUM, Loss
from harness.randomness import generator

MOST_FOR_STATISTICS = 1_024
"""Images, evenly spaced over the data set, from which mean and standard deviation are computed."""
_MOST_BYTES = 2**28
MOST_CLASSES = 1_000_000


@dataclass(frozen=True)
class DataOptions:
    """How a user's own data is read; None is what the data themselves suggest.

    `classes` is the number of outputs of a network, `tokens` the number of different tokens; `size` of the images of a
    folder is one number of pixels, or (height, width). `normalise` says whether images are standardised, by `mean` and
    `std` of each channel or by their own: uint8 images are unless told otherwise, others are not.

    Raises:
        OptionError: for invalid values.
    """

    classes: int | None = None
    tokens: int | None = None
    size: tuple[int, ...] | None = None
    normalise: bool | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        for name, value in (("classes", self.classes), ("tokens", self.tokens)):
            if value is not None and not 1 <= value <= MOST_CLASSES:
                raise OptionError(f"data.{name}={value} is invalid: it must be from 1 to {MOST_CLASSES:,}.")
        if self.size is not None and (len(self.size) > 2 or min(self.size) < 1):
            raise OptionError(
                f"data.size={list(self.size)} is invalid: it must be a number of pixels, or [height,width]."
            )
        if (self.mean is None) != (self.std is None):
            given, other = ("std", "mean") if self.mean is None else ("mean", "std")
            raise OptionError(f"data.{given} needs data.{other} beside it: give both, a number for each channel.")
        if self.std is not None and not all(value > 0 for value in self.std):
            raise OptionError(f"data.std={list(self.std)} is invalid: it must be above 0.")
        if self.normalise is False and self.mean is not None:
            raise OptionError("data.normalise=false contradicts data.mean and data.std; omit one of them.")


@dataclass(frozen=True)
class OwnData(DataSet):
    """A data set of a user's own; it is in no registry, and its name is never that of a registered one.

    `path` is where it lies. `targets` is the shape of one target: () for classes and single numbers. `criterion` is
    the loss.
    """

    path: Path = field(kw_only=True)
    targets: tuple[int, ...] = field(default=(), kw_only=True)
    criterion: Loss = field(kw_only=True)

    @property
    def key(self) -> str:
        """Name, shape, classes, targets and loss, for scores that do not depend on the batches."""
        parts = [self.name, _by(self.shape), f"{self.n_classes} outputs", self.criterion.key]
        if self.n_tokens is not None:
            parts.append(f"{self.n_tokens} tokens")
        return ", ".join([*parts, f"targets {_by(self.targets)}"] if self.targets else parts)

    @property
    def loss_label(self) -> str:
        """The loss as a setting names it."""
        return self.criterion.label

    @property
    def is_regression(self) -> bool:
        """Whether targets are numbers to be approached, and not classes."""
        return self.criterion.name == MSE and self.criterion.path is None

    def present(self, home: Path) -> dict[InputKind, Path]:
        """Real inputs, at the path of the data set."""
        return {InputKind.real: self.path}

    def read(self, kind: InputKind, home: Path) -> Images:
        """The inputs and targets; those of the rows that are asked for are read when they are.

        Raises:
            MissingDataError: if other than real ones are requested, or the data is no longer there.
            CorruptDataError: if a file is damaged.
        """
        if kind is not InputKind.real:
            raise MissingDataError(f"There are no {kind.value} inputs of {self.name}. Use inputs=real or inputs=noise.")
        inputs, targets = self.rows()
        return Images(inputs, targets, f"{self.path} ({len(targets):,} inputs, {_by(self.shape)})", kind)

    @abstractmethod
    def rows(self) -> tuple[Rows, Rows]:
        """Inputs and targets, opened."""

    def n_inputs(self) -> int | None:
        """How many inputs there are; None where that is not known before they are drawn."""
        return len(self.rows()[1])

    def draw(self, request: BatchRequest, home: Path) -> tuple[tuple[Batch, ...], str]:
        """As `DataSet.draw`; the rows of all batches are read in one pass.

        Raises:
            OptionError: if more inputs are requested than there are.
            CorruptDataError: as `read`, and if inputs or targets are not finite.
        """
        images = self.read(request.kind, home)
        n_available, n_wanted = len(images.labels), request.n_batches * request.batch_size
        if n_wanted > n_available:
            raise too_few(self.name, request, str(self.path), n_available, "inputs")
        order = torch.randperm(n_available, generator=generator("batches", request.seed, self.name)).numpy()
        whole = self.batch(images, order[:n_wanted])
        return in_batches(whole, request.batch_size), images.source

    def batch(self, images: Images, rows: NDArray[np.int64]) -> Batch:
        """Inputs and targets of some rows, checked to be finite."""
        inputs, targets = images.images[rows], images.labels[rows]
        for name, values in (("inputs", inputs), ("targets", targets)):
            check_finite(values, rows, f"{self.path} has {name}")
        return Batch(self.tensor(inputs), self.target_tensor(targets))

    def tensor(self, inputs: NDArray[np.generic]) -> Tensor:
        """Stored inputs [n, ...] as batches hold them: float32 [n, *shape]."""
        return torch.from_numpy(np.ascontiguousarray(inputs, np.float32))

    def target_tensor(self, targets: NDArray[np.generic]) -> Tensor:
        """Stored targets [n, ...] as the loss takes them."""
        kind = np.float32 if self.is_regression or targets.dtype.kind == "f" else np.int64
        return torch.from_numpy(np.ascontiguousarray(targets, kind).reshape(len(targets), *self.targets))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """The loss that was chosen; see `Loss`."""
        return self.criterion(outputs, targets)

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """Random classes, or for a regression N(0,1)."""
        if self.is_regression:
            return torch.randn(n, *self.targets, generator=source)
        return torch.randint(self.n_classes, (n, *self.targets), generator=source)

    def noise_targets(self, images: Tensor, source: torch.Generator) -> Tensor:
        """Random targets; for the next token, the tokens themselves."""
        if self.n_tokens is not None and self.criterion.name == NEXT_TOKEN:
            return next_tokens(images.long())
        return self.random_targets(len(images), source)


def own_name(path: Path, word: str) -> str:
    """The name of a data set of a user's own: its file; of a folder its name and a slash, which no registered one has.

    Raises:
        OptionError: if a registered one is called so.
    """
    name = f"{path.name}/" if path.is_dir() else path.name
    if name in DATA_SETS:
        raise OptionError(f"dataset={word} has the name of a data set of the harness; rename it.")
    return name


def check_finite(values: NDArray[np.generic], rows: NDArray[np.int64], what: str) -> None:
    """Nothing, if all numbers are finite.

    Args:
        values: [n, ...].
        rows: the row of each in the file.
        what: begins the message.

    Raises:
        CorruptDataError: naming the first row that has another number.
    """
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
        raise CorruptDataError(
            f"{what} that are NaN or infinite, first in row {int(rows[bad].min())}. Remove that row."
        )


def in_batches(whole: Batch, size: int) -> tuple[Batch, ...]:
    """Inputs and targets, cut into batches of one size."""
    pairs = zip(torch.split(whole.images, size), torch.split(whole.targets, size), strict=True)
    return tuple(Batch(images.contiguous(), targets.contiguous()) for images, targets in pairs)


def next_tokens(tokens: Tensor) -> Tensor:
    """For each position the token after it, -100 for the last: [batch, length] of int64."""
    return torch.cat([tokens[:, 1:], torch.full_like(tokens[:, :1], IGNORED)], dim=1)


def spaced(n: int, row_bytes: int) -> NDArray[np.int64]:
    """Rows from which statistics are computed: at most 1,024 of 256 MB, evenly spaced over n."""
    most = max(1, min(n, MOST_FOR_STATISTICS, _MOST_BYTES // max(1, row_bytes)))
    return np.linspace(0, n - 1, most).astype(np.int64)


def chosen_statistics(
    options: DataOptions, n_channels: int, own: tuple[Sequence[float], Sequence[float]] | None
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel; 0 and 1 where images are not standardised.

    Args:
        options: as the user gave them.
        n_channels: of the images.
        own: of the images themselves; None: they are left as they are.

    Raises:
        OptionError: if the numbers given are not one, or one for each channel.
    """
    if options.mean is not None and options.std is not None:
        for name, given in (("mean", options.mean), ("std", options.std)):
            if len(given) not in (1, n_channels):
                raise OptionError(
                    f"data.{name} has {len(given)} numbers, but the images have {n_channels} channels; give one each."
                )
        mean, std = (given * n_channels if len(given) == 1 else given for given in (options.mean, options.std))
        return mean, std
    if own is None:
        return (0.0,) * n_channels, (1.0,) * n_channels
    # A channel that is the same everywhere has no scale.
    return tuple(map(float, own[0])), tuple(float(one) if one > 0 else 1.0 for one in own[1])


def number_of(largest: float, smallest: float, given: tuple[str, int | None], what: str) -> int:
    """How many classes or tokens there are, of integers from `smallest` to `largest`.

    Args:
        largest: of the integers.
        smallest: of the integers.
        given: the setting that says how many there are, "classes" or "tokens", and its value.
        what: begins a message.

    Raises:
        CorruptDataError: if they are out of range.
    """
    setting, n = given
    if smallest < 0:
        raise CorruptDataError(f"{what} from {int(smallest)}; they must be 0 or more.")
    if n is not None and largest >= n:
        raise CorruptDataError(f"{what} up to {int(largest):,}; data.{setting}={n} allows 0 to {n - 1:,}.")
    if largest >= MOST_CLASSES:
        hint = "; give loss=mse if they are numbers to be approached" if setting == "classes" else ""
        raise CorruptDataError(f"{what} up to {int(largest):,}; the most are {MOST_CLASSES:,} {setting}{hint}.")
    return n or int(largest) + 1


def chosen_loss(word: str | None, usual: str, *, is_float: bool) -> Loss:
    """The loss that was given, or the usual one of such targets.

    Raises:
        OptionError: if targets are numbers and the loss takes classes.
    """
    loss = Loss.named(word or usual)
    if is_float and loss.path is None and loss.name not in (MSE, OUTPUT_SUM):
        raise OptionError(f"loss={loss.name} is invalid: the targets are fractional numbers, for which it is {MSE}.")
    if loss.path is None and loss.name in (MASKED, NEXT_TOKEN) and usual not in (MASKED, NEXT_TOKEN):
        raise OptionError(f"loss={loss.name} is invalid: it is for tokens with a target at each position.")
    return loss


def _by(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) or "1"
