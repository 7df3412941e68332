"""Evaluation of networks and inputs that are objects of this process."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.errors import OptionError
from harness.evaluation.evaluation import Evaluation, evaluate_asked
from harness.evaluation.provenance import Asked
from harness.inputs import DATA_SETS, Batch, BatchRequest, DataSet, Images, InputKind, pack
from harness.plug_in_code import calling
from harness.randomness import generator
from harness.scoring.worker import context_of
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.space.given_networks import GivenModels

Model = nn.Module | Callable[..., nn.Module]
_MOST_BATCHES = 10_000


def evaluate_models(
    models: Mapping[str, Model],
    *,
    accuracies: "Mapping[str, float] | pd.Series[float]",
    inputs: object,
    proxy: str | Sequence[str] | None = None,
    settings: Settings | None = None,
) -> Evaluation:
    """Score networks of your own by proxies and correlate the scores with their accuracies.

    Args:
        models: by name a function that builds the network (called with nothing, the name, or the name and the data set,
            as its signature takes), or a module. A function is called with seeded generators, so that `seed` and
            `seeds` of the settings draw its initial weights; a module is copied and keeps the weights that it has.
        accuracies: by name, higher is better; names may be missing.
        inputs: a pair (inputs, targets) of tensors [n, ...], or an iterable of such pairs. The inputs of a network with
            several are a tuple or a mapping. Integer targets [n] are classes, with cross-entropy as the loss; the loss
            of other targets is the mean squared error.
        proxy: names, paths of Python files, or "all"; None: the default ones.
        settings: everything else; by default as many images as there are, up to two batches of 128.

    Raises:
        HarnessError: for a user error, before anything is computed.
    """
    if not isinstance(models, Mapping) or not models:
        raise OptionError(
            "evaluate_models was given no models; they must be a mapping of names to modules or functions."
        )
    wrong = next((name for name, one in models.items() if not callable(one)), None)
    if wrong is not None:
        raise OptionError(
            f"evaluate_models was given {type(models[wrong]).__name__} for '{wrong}', not a module or function."
        )
    if settings is not None and not settings.engine.is_local:
        raise OptionError(
            f"engine={settings.engine.name} is invalid for evaluate_models: its networks exist in this process alone. "
            "Put the function that builds them into a file and use bench=models.py:build, or omit engine=."
        )
    data_set = _data_set(inputs, settings)
    if settings is None:
        size = max(1, min(128, len(data_set.inputs) // 2))
        usual = Settings()
        settings = dataclasses.replace(usual, protocol=dataclasses.replace(usual.protocol, batch_size=size))
    truth = {str(name): float(value) for name, value in dict(accuracies).items()}
    space = GivenModels({str(name): one for name, one in models.items()}, truth)
    names = None if proxy is None else [proxy] if isinstance(proxy, str) else list(proxy)
    words = {"proxy": names, "bench": [space.name], "dataset": [data_set.name], "ensemble": None}
    call = f"evaluate_models({{{', '.join(map(repr, models))}: ...}}, proxy={names})"
    context_of.cache_clear()  # an earlier call may have had other models of these names
    try:
        with BENCHMARKS.lent(space.name, space), DATA_SETS.lent(data_set.name, data_set):
            return evaluate_asked(Asked(words, settings, call))
    finally:
        context_of.cache_clear()


@dataclass(frozen=True)
class GivenInputs(DataSet):
    """Inputs and targets in memory: `inputs` float32 [n, ...], several of a network packed; `targets` [n, ...]."""

    inputs: Tensor = field(kw_only=True)
    targets: Tensor = field(kw_only=True)

    def read(self, kind: InputKind, home: Path) -> Images:
        """Not used: batches are given."""
        raise OptionError(f"{self.name} has no stored images; use inputs=real, which were given.")

    def present(self, home: Path) -> dict[InputKind, Path]:
        """There are no files."""
        return {}

    def given_batches(self, request: BatchRequest) -> tuple[tuple[Batch, ...], str]:
        """See `DataSet`; rows in an order drawn from the seed.

        Raises:
            OptionError: if more are requested than there are.
        """
        n_wanted, n_here = request.n_batches * request.batch_size, len(self.inputs)
        if n_wanted > n_here:
            raise OptionError(
                f"{request.n_batches} batches of {request.batch_size} need {n_wanted:,} inputs, but {n_here:,} were "
                "given. Give more, or take fewer or smaller batches."
            )
        order = torch.randperm(n_here, generator=generator("batches", request.seed, self.name))[:n_wanted]
        rows = torch.split(order, request.batch_size)
        return tuple(Batch(self.inputs[one], self.targets[one]) for one in rows), f"{n_here:,} given inputs"

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross-entropy of classes, otherwise the mean squared error."""
        if self.classes(targets) is not None:
            return F.cross_entropy(outputs, targets)
        return F.mse_loss(outputs, targets)

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """See `DataSet`."""
        if self.classes(self.targets) is not None:
            return torch.randint(self.n_classes, (n,), generator=source)
        return torch.randn(n, *self.targets.shape[1:], generator=source)


def _data_set(inputs: object, settings: Settings | None) -> GivenInputs:
    """The given inputs as a data set, named by their digest.

    Raises:
        OptionError: if they are no pairs of inputs and targets.
    """
    n_wanted = 256 if settings is None else settings.protocol.n_batches * settings.protocol.batch_size
    packed, targets = [], []
    parts = None
    for pair in _pairs(inputs):
        if not (isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[1], Tensor)):
            raise OptionError("The inputs must be a pair (inputs, targets), or an iterable of such pairs, of tensors.")
        one, found = pack(pair[0])
        if parts not in (None, found):
            raise OptionError("The batches of the inputs differ in their shapes or types; they must be alike.")
        if len(one) != len(pair[1]):
            raise OptionError(f"A batch has {len(one)} inputs and {len(pair[1])} targets; there must be as many.")
        parts = found
        packed.append(one.float())
        targets.append(pair[1])
        if not _is_pair(inputs) and sum(map(len, packed)) >= n_wanted:
            break
    if not packed:
        raise OptionError("The inputs are empty; they must be a pair (inputs, targets), or an iterable of such pairs.")
    together, labels = torch.cat(packed), torch.cat(targets)
    digest = hashlib.sha256(together.numpy().tobytes() + labels.numpy().tobytes()).hexdigest()[:8]
    is_classes = labels.dim() == 1 and not labels.is_floating_point()
    return GivenInputs(
        name=f"given-{digest}",
        n_classes=int(labels.max()) + 1 if is_classes else int(labels[0].numel()),
        shape=tuple(together.shape[1:]),
        mean=(),
        std=(),
        licence="the user's own",
        how_to_get="Nothing to fetch: the inputs were given",
        embedded=True,
        parts=parts or (),
        inputs=together,
        targets=labels.long() if is_classes else labels.float(),
    )


def _is_pair(inputs: object) -> bool:
    return isinstance(inputs, tuple) and len(inputs) == 2 and isinstance(inputs[1], Tensor)


def _pairs(inputs: object) -> Iterable[Any]:
    if _is_pair(inputs):
        return [inputs]
    if not isinstance(inputs, Iterable):
        raise OptionError(
            f"The inputs are {type(inputs).__name__}; they must be a pair (inputs, targets) or an iterable."
        )
    with calling("Reading the inputs"):
        return list(islice(inputs, _MOST_BATCHES)) if isinstance(inputs, Sequence) else _read(inputs)


def _read(inputs: Iterable[Any]) -> Iterable[Any]:
    with calling("Reading the inputs"):
        yield from islice(inputs, _MOST_BATCHES)
