"""A user's own loader as a data set: a function of a file that makes an iterable of (inputs, targets)."""

import inspect
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from harness.errors import CorruptDataError, OptionError
from harness.inputs.data_set import Batch, BatchRequest, InputKind, Rows, too_few
from harness.inputs.functions import file_of, function_of, sha256_of_code
from harness.inputs.losses import CROSS_ENTROPY, MASKED, MSE
from harness.inputs.own_data import DataOptions, OwnData, check_finite, chosen_loss, in_batches
from harness.plug_in_code import calling
from harness.randomness import derive_seed, isolated

_SEED = "seed"
_Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Loader(OwnData):
    """What the function `function` of the file `path` makes, called with every generator seeded by the run's seed.

    Its batches may be of any size: inputs and targets are taken in the order in which they come. `sha256` is that of
    the file; `vocabulary` is the number of different tokens where inputs are int64 sequences of them.
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
        """How many different tokens there are, where inputs are int64."""
        return self.vocabulary

    def rows(self) -> tuple[Rows, Rows]:
        """None: a loader has no rows that could be chosen.

        Raises:
            OptionError: always.
        """
        raise OptionError(f"dataset={self.name} has no numbered rows; use an npz file or a folder here.")

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
            self._check(*pair)
        inputs, targets = (torch.cat(tensors)[:n_wanted] for tensors in zip(*pairs, strict=True)) if pairs else ((), ())
        if len(inputs) < n_wanted:
            raise too_few(self.name, request, f"{self.path}:{self.function}", len(inputs), "inputs")
        kind = torch.float32 if self.vocabulary is None else torch.int64
        whole = Batch(inputs.to(kind), self.target_tensor(targets.numpy()))
        return in_batches(whole, request.batch_size), f"{self.path}:{self.function}, seed {request.seed}"

    def _check(self, inputs: Tensor, targets: Tensor) -> None:
        found, wanted = (tuple(inputs.shape[1:]), _of_target(targets)), (self.shape, self.targets)
        if found != wanted:
            raise CorruptDataError(
                f"dataset={self.name} yields an input {found[0]} with target {found[1]} after one {wanted[0]} with "
                f"{wanted[1]}; all must have one shape."
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
    inputs, targets = pairs[0]
    of_target = _of_target(targets)
    has_tokens = not inputs.is_floating_point()
    is_float = targets.is_floating_point()
    usual = MSE if is_float else (MASKED if has_tokens and targets.shape == inputs.shape else CROSS_ENTROPY)
    criterion = chosen_loss(loss, usual, is_float=is_float)
    if has_tokens and options.tokens is None:
        raise OptionError(f"dataset={shown} yields tokens; say how many different ones there are: data.tokens=30522.")
    is_number = is_float or (criterion.name == MSE and criterion.path is None)
    if options.classes is None and not is_number and usual != MASKED:
        raise OptionError(f"dataset={shown} yields classes; say how many there are: data.classes=10.")
    usual_outputs = options.tokens if usual == MASKED else (of_target[0] if of_target else 1)
    n_outputs = options.classes or usual_outputs or 1
    return Loader(
        shown, n_outputs, tuple(inputs.shape[1:]), (), (),
        path=path, targets=of_target, criterion=criterion, function=name, sha256=sha256_of_code(path),
        vocabulary=options.tokens if has_tokens else None, licence="your own", how_to_get="It is your own loader",
    )  # fmt: skip


def taken(path: Path, name: str, seed: int, n_wanted: int) -> list[_Pair]:
    """The pairs (inputs, targets) of a loader until they have `n_wanted` rows, or it has no more.

    It is called with Python's, NumPy's and torch's generators seeded from the seed, and with a number derived from it
    if its only parameter is called `seed`; the generators are put back afterwards.

    Raises:
        HarnessError: if it raises.
        CorruptDataError: for something else than a pair of tensors or arrays with as many rows.
    """
    function, what = function_of(path, name, "dataset"), f"dataset={path.name}:{name}"
    pairs: list[_Pair] = []
    with isolated("loader", seed), calling(what):
        takes = list(inspect.signature(function).parameters)
        made = function(derive_seed("loader", seed) % 2**32) if takes == [_SEED] else function()
        n = 0
        for pair in made:
            pairs.append(_read_pair(pair, what))
            n += len(pairs[-1][0])
            if n >= n_wanted:
                break
    return pairs


def _read_pair(pair: object, what: str) -> _Pair:
    if not isinstance(pair, tuple | list) or len(pair) != 2:
        raise CorruptDataError(f"{what} yields {type(pair).__name__}; it must yield pairs (inputs, targets).")
    tensors = [torch.from_numpy(one) if isinstance(one, np.ndarray) and one.dtype != object else one for one in pair]
    for name, one in zip(("inputs", "targets"), tensors, strict=True):
        if not isinstance(one, Tensor):
            raise CorruptDataError(f"{what} yields {name} {type(one).__name__}; it must yield tensors or arrays.")
    inputs, targets = (one.detach().cpu() for one in tensors)
    if not inputs.is_floating_point() and inputs.dtype not in (torch.int64, torch.int32):
        raise CorruptDataError(f"{what} yields inputs of {inputs.dtype}; they must be floats, or int64 for tokens.")
    if inputs.dim() < 2 or targets.dim() < 1 or len(inputs) != len(targets) or not len(inputs):
        raise CorruptDataError(
            f"{what} yields inputs {list(inputs.shape)} and targets {list(targets.shape)}; they must be [n, ...] and "
            "[n, ...], with n equal and above 0."
        )
    return inputs, targets


def _of_target(targets: Tensor) -> tuple[int, ...]:
    shape = tuple(targets.shape[1:])
    return () if shape == (1,) else shape
