"""A user's own loader as a data set: a function of a file that makes an iterable of (inputs, targets)."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.errors import CorruptDataError, OptionError
from harness.inputs.batch import Batch, BatchRequest, InputKind, Rows
from harness.inputs.data_set import too_few
from harness.inputs.functions import file_of, function_of, sha256_of_code
from harness.inputs.losses import CROSS_ENTROPY, MASKED, MSE
from harness.inputs.own_data import DataOptions, OwnData, check_finite, chosen_loss, in_batches
from harness.inputs.packing import InputPart, pack
from harness.plug_in_code import calling
from harness.randomness import derive_seed, isolated

_SEED = "seed"


@dataclass(frozen=True)
class Yielded:
    """One pair of a loader: inputs [n, ...] as one tensor with its parts, see `packing`, and targets [n, ...]."""

    inputs: Tensor
    parts: tuple[InputPart, ...]
    targets: Tensor

    @property
    def of_input(self) -> tuple[tuple[int, ...], ...]:
        """The shape of each tensor of an input."""
        return tuple(part.shape for part in self.parts) or (tuple(self.inputs.shape[1:]),)

    @property
    def of_target(self) -> tuple[int, ...]:
        """The shape of a target; [n, 1] is [n]."""
        shape = tuple(self.targets.shape[1:])
        return () if shape == (1,) else shape


@dataclass(frozen=True)
class Loader(OwnData):
    """What the function `function` of the file `path` makes, called with every generator seeded by the run's seed.

    Its batches may be of any size: inputs and targets are taken in the order in which they come. `sha256` is that of
    the file; `vocabulary` is the number of different tokens, where they were given.
    """

    function: str = field(kw_only=True)
    sha256: str = field(kw_only=True)
    vocabulary: int | None = field(default=None, kw_only=True)

    @property
    def key(self) -> str:
        """As of every own data set, with the code."""
        return f"{super().key}, {self.sha256[:16]}"

    @property
    def n_tokens(self) -> int | None:
        """How many different tokens there are, as data.tokens gives it."""
        return self.vocabulary

    def rows(self) -> tuple[Rows, Rows]:
        """None: a loader has no rows that could be chosen.

        Raises:
            OptionError: always.
        """
        raise OptionError(f"dataset={self.name} has no numbered rows; use an npz file or a folder here.")

    def n_inputs(self) -> None:
        """Not known: a loader may have no end."""

    def draw(self, request: BatchRequest, home: Path) -> tuple[tuple[Batch, ...], str]:
        """The first inputs and targets that the loader yields under a generator derived from the seed.

        Raises:
            OptionError: if it yields too few.
            CorruptDataError: if it yields something else, or in other shapes than before.
            HarnessError: if it raises.
        """
        if request.kind is not InputKind.real:
            self.read(request.kind, home)
        n_wanted = request.n_batches * request.batch_size
        pairs = taken(self.path, self.function, request.seed, n_wanted)
        for pair in pairs:
            self._check(pair)
        if sum(len(pair.inputs) for pair in pairs) < n_wanted:
            n = sum(len(pair.inputs) for pair in pairs)
            raise too_few(self.name, request, f"{self.path}:{self.function}", n, "inputs")
        inputs = torch.cat([pair.inputs for pair in pairs])[:n_wanted]
        targets = torch.cat([pair.targets for pair in pairs])[:n_wanted]
        whole = Batch(inputs.to(torch.float32), self.target_tensor(targets.numpy()))
        return in_batches(whole, request.batch_size), f"{self.path}:{self.function}, seed {request.seed}"

    def _check(self, pair: Yielded) -> None:
        inputs, targets = pair.inputs, pair.targets
        own = tuple(part.shape for part in self.parts) or (self.shape,)
        if (pair.of_input, pair.of_target) != (own, self.targets):
            raise CorruptDataError(
                f"dataset={self.name} yields inputs {_listed(pair.of_input)} with targets {pair.of_target} after "
                f"inputs {_listed(own)} with {self.targets}; all must have one shape."
            )
        for name, values in (("inputs", inputs), ("targets", targets)):
            check_finite(values.numpy(), np.arange(len(values)), f"dataset={self.name} yields {name}")
        is_classes = not targets.is_floating_point() and not self.is_regression
        if is_classes and len(targets):
            smallest, largest = int(targets.min()), int(targets.max())
            if largest >= self.n_classes or (smallest < 0 and smallest != -100):
                raise CorruptDataError(
                    f"dataset={self.name} yields targets from {smallest} to {largest}; data.classes={self.n_classes} "
                    f"allows 0 to {self.n_classes - 1}."
                )


def open_loader(word: str, options: DataOptions, loss: str | None) -> Loader:
    """The data set of a loader; its first batch is taken, to see its shapes.

    Raises:
        MissingDataError: if there is no such file.
        HarnessError: if the file does not import, has no such function, or that raises.
        CorruptDataError: if it yields nothing, or something else than (inputs, targets).
        OptionError: if targets are classes and it is not said how many.
    """
    path, name = file_of(word, "dataset")
    shown = f"{path.name}:{name}"
    if options.size is not None or options.mean is not None or options.normalise is not None:
        raise OptionError(
            "data.size, data.normalise, data.mean and data.std are for images in files; "
            f"{shown} gives inputs as networks take them."
        )
    pairs = taken(path, name, 0, 1)
    if not pairs:
        raise CorruptDataError(f"dataset={shown} yields nothing; it must yield pairs (inputs, targets).")
    first = pairs[0]
    is_float = first.targets.is_floating_point()
    has_tokens = any(part.is_index for part in first.parts)
    at_each = has_tokens and not is_float and first.targets.shape == first.inputs.shape
    usual = MSE if is_float else (MASKED if at_each else CROSS_ENTROPY)
    criterion = chosen_loss(loss, usual, is_float=is_float)
    n_outputs = options.classes or (options.tokens if at_each else None)
    if n_outputs is None:
        if not (is_float or (criterion.name == MSE and criterion.path is None)):
            setting, what = ("tokens=30522", "tokens") if at_each else ("classes=10", "classes")
            raise OptionError(f"dataset={shown} yields {what} as targets; say how many there are: data.{setting}.")
        n_outputs = first.of_target[0] if first.of_target else 1
    return Loader(
        shown, n_outputs, tuple(first.inputs.shape[1:]), (), (),
        path=path, targets=first.of_target, parts=first.parts, criterion=criterion, function=name,
        sha256=sha256_of_code(path),
        vocabulary=options.tokens if has_tokens else None, licence="your own", how_to_get="It is your own loader",
    )  # fmt: skip


def taken(path: Path, name: str, seed: int, n_wanted: int) -> list[Yielded]:
    """The pairs (inputs, targets) of a loader until they have `n_wanted` rows, or it has no more.

    It is called with Python's, NumPy's and torch's generators seeded from the seed, and with a number derived from it
    if its only parameter is called `seed`; the generators are put back afterwards.

    Raises:
        HarnessError: if it raises.
        CorruptDataError: for something else than a pair of tensors or arrays with as many rows.
    """
    function, what = function_of(path, name, "dataset"), f"dataset={path.name}:{name}"
    pairs: list[Yielded] = []
    with isolated("loader", seed), calling(what):
        takes = list(inspect.signature(function).parameters)
        made = function(derive_seed("loader", seed) % 2**32) if takes == [_SEED] else function()
        n = 0
        for pair in made:
            pairs.append(_read_pair(pair, what))
            n += len(pairs[-1].inputs)
            if n >= n_wanted:
                break
    return pairs


def _read_pair(pair: object, what: str) -> Yielded:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise CorruptDataError(f"{what} yields {type(pair).__name__}; it must yield pairs (inputs, targets).")
    targets = _as_tensor(pair[1])
    if not isinstance(targets, Tensor):
        raise CorruptDataError(f"{what} yields targets {type(targets).__name__}; they must be a tensor or an array.")
    try:
        inputs, parts = pack(_with_tensors(pair[0]))
    except OptionError as error:
        raise CorruptDataError(f"{what}: {error}") from error
    inputs, targets = inputs.detach().cpu(), targets.detach().cpu()
    if inputs.dim() < 2 or targets.dim() < 1 or len(inputs) != len(targets) or not len(inputs):
        raise CorruptDataError(
            f"{what} yields inputs {list(inputs.shape)} and targets {list(targets.shape)}; they must be [n, ...] and "
            "[n, ...], with n equal and above 0."
        )
    return Yielded(inputs, parts, targets)


def _as_tensor(value: object) -> object:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) and value.dtype.kind in "biuf" else value


def _with_tensors(inputs: object) -> object:
    """Inputs with tensors for arrays; uint8 images are refused, as nobody said how they are to be scaled.

    Raises:
        OptionError: for uint8 inputs.
    """
    if isinstance(inputs, Mapping):
        return {name: _with_tensors(one) for name, one in inputs.items()}
    if isinstance(inputs, tuple | list):
        return [_with_tensors(one) for one in inputs]
    found = _as_tensor(inputs)
    if isinstance(found, Tensor) and found.dtype is torch.uint8:
        raise OptionError("the inputs are uint8; they must be floats as networks take them, or int64 for tokens.")
    return found


def _listed(shapes: tuple[tuple[int, ...], ...]) -> str:
    return ", ".join(map(str, shapes))
