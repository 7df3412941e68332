"""Evaluation sets: a sample of a search space with its truth on one data set; what scores are compared with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from harness.agreement import Sample
from harness.errors import HarnessError, MissingDataError, OptionError
from harness.evaluation.own_truth import opened_truth, truth_word
from harness.evaluation.population import Population, open_population
from harness.inputs import DATA_SETS, DataOptions, DataSet, open_data_set, own_data, refuse_options
from harness.paths import conf_folder
from harness.randomness import derive_seed
from harness.settings import ALL, DEFAULT_SAMPLE, Settings
from harness.space import BENCHMARKS, Architecture, SearchSpace, refuse_unfit, space_of
from harness.truth import Truth, check_has_truth
from harness.truth.own_file import names_file
from harness.truth.table import TruthColumn

T = TypeVar("T")
_DIGITS = "digits"  # they come with the harness


@dataclass(frozen=True)
class EvaluationSet:
    """A sample of architectures and how they did when trained.

    `index` [n] is each architecture's official index; `values` float64 [n] are those of the column `truth`, NaN where
    it has none. `population` is what the sample is from. `benchmark_truth` holds the other columns; nothing else in an
    evaluation opens it.
    """

    space: SearchSpace
    data_set: DataSet
    archs: tuple[Architecture, ...]
    index: NDArray[np.int64]
    values: NDArray[np.float64]
    truth: TruthColumn
    population: Population
    benchmark_truth: Truth

    @property
    def name(self) -> tuple[str, str]:
        """(benchmark, data set)."""
        return self.space.name, self.data_set.name

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """The truth oriented so that higher is better: a loss or a latency changes its sign."""
        return self.values if self.truth.higher_is_better else -self.values

    @cached_property
    def classes(self) -> list[Architecture]:
        """The canonical form of each architecture."""
        return self.space.canonical_forms(self.archs)

    @property
    def sample(self) -> Sample:
        """Accuracies and classes, with the sizes of classes in the whole population."""
        size = self.population.class_size
        sizes = [size[form] for form in self.classes]
        return Sample(self.accuracies, self.classes, len(self.population.index), sizes)


@dataclass(frozen=True)
class Skipped:
    """A pair of benchmark and data set, one of several, that cannot be evaluated here, with the reason."""

    bench: str
    data_set: str
    reason: str


Tolerated = tuple[type[HarnessError], ...]
"""The errors that leave out the pair that has them; any other one ends the command, as does one of a single pair."""


def pairs(
    benches: Sequence[str], data_sets: Sequence[str], settings: Settings, names: Sequence[str] | None = None
) -> tuple[list[tuple[SearchSpace, DataSet]], Tolerated]:
    """The pairs that the words of the command line name, and the errors of one pair that leave the others alone.

    What `all` stands for may be impossible here for any reason; of several that were named, data may be missing.

    Args:
        benches: names, or files of the user's own networks.
        data_sets: names, or files, folders and loaders of the user's own data.
        settings: how those are read.
        names: the architectures of a benchmark that is a function of a file, as `models.py:build`.

    Raises:
        UnknownNameError: for names that nothing knows.
        OptionError: for a data set that none of the benchmarks has, or has networks for.
        MissingDataError: for a single benchmark that has neither the data set nor any truth.
        HarnessError: for data of the user's own that cannot be used.
    """
    spaces = [space_of(name, names) for word in benches for name in (BENCHMARKS if word == ALL else [word])]
    opened = _opened_data_sets(data_sets, settings)
    is_only_one = len(benches) == 1 and ALL not in benches
    found, refused = [], []
    for space in dict.fromkeys(spaces):
        for word in data_sets:
            for data_set in map(DATA_SETS.get, space.data_sets) if word == ALL else [opened[word]]:
                try:
                    if own_data(data_set) is None and not space.takes(data_set.name):
                        _refuse_data_set(space, data_set, is_only_one)
                        continue
                    refuse_unfit(space, data_set)
                    found.append((space, data_set))
                except OptionError as error:
                    if is_only_one:
                        raise
                    refused.append(error)
    if not found and refused:
        raise refused[0]
    if not found:
        raise OptionError(f"None of the benchmarks {', '.join(benches)} has a data set {' or '.join(data_sets)}.")
    named = list(dict.fromkeys(found))
    if ALL in (*benches, *data_sets):
        return named, (HarnessError,)
    return named, (MissingDataError,) if len(named) > 1 else ()


def data_set_for(space: SearchSpace, word: str | None, options: DataOptions, loss: str | None) -> DataSet:
    """The data set that a word names for a space.

    Args:
        space: a benchmark, or the user's own networks.
        word: a name, or a file, folder or loader of the user's own; None: the first of the space, or the digits.
        options: how a user's own data is read.
        loss: of a user's own data.

    Raises:
        UnknownNameError: if nothing is called so.
        OptionError: if the space has not this data set, or no networks for it.
        HarnessError: for data of the user's own that cannot be used.
    """
    data_set = open_data_set(word or next(iter(space.data_sets), _DIGITS), options, loss)
    if own_data(data_set) is None and not space.takes(data_set.name):
        raise OptionError(
            f"The benchmark {space.name} has no data set '{data_set.name}'; it has {', '.join(space.data_sets)}."
        )
    refuse_unfit(space, data_set)
    return data_set


def _opened_data_sets(words: Sequence[str], settings: Settings) -> dict[str, DataSet]:
    """The data sets of all words but `all`.

    Raises:
        OptionError: if two of the user's own have one name, by which results would be confused.
    """
    if ALL in words:
        refuse_options(ALL, settings.data, settings.loss)
    opened = {word: open_data_set(word, settings.data, settings.loss) for word in words if word != ALL}
    by_name: dict[str, str] = {}
    for word, data_set in opened.items():
        if opened[by_name.setdefault(data_set.name, word)] != data_set:
            raise OptionError(
                f"The data sets {by_name[data_set.name]} and {word} are both called {data_set.name}; rename one."
            )
    return opened


def _refuse_data_set(space: SearchSpace, data_set: DataSet, is_only_one: bool) -> None:
    """Raises what a single benchmark lacks; one of several is left out.

    Raises:
        OptionError: if it does not have the data set.
        MissingDataError: if it has no truth either.
    """
    if is_only_one:
        check_has_truth(space.name)
        raise OptionError(
            f"The benchmark {space.name} has no data set '{data_set.name}'; it has {', '.join(space.data_sets)}."
        )


def attempted(
    attempt: Callable[[SearchSpace, DataSet], T],
    named: Sequence[tuple[SearchSpace, DataSet]],
    tolerated: Tolerated,
    done: str,
) -> tuple[list[T], list[Skipped]]:
    """What `attempt` gives for each pair, and the pairs for which it ends in an error that leaves the others alone.

    Args:
        attempt: opens what is needed, before anything is computed.
        named: the pairs.
        tolerated: as `pairs` gives them.
        done: what was to be done with them, "evaluated".

    Raises:
        HarnessError: any other error; or if nothing is left.
    """
    found, skipped = [], []
    for space, data_set in named:
        try:
            found.append(attempt(space, data_set))
        except tolerated as error:
            skipped.append(Skipped(space.name, data_set.name, str(error)))
    if not found:
        raise HarnessError(f"None of the data sets can be {done}. {skipped[0].reason}")
    return found, skipped


def open_evaluation_set(
    space: SearchSpace, data_set: DataSet, settings: Settings, archs: Sequence[str] | None
) -> EvaluationSet:
    """The target of one pair: `archs` if given, otherwise the sample that the settings ask for.

    Raises:
        MissingDataError: if the truth is not on this machine.
        UnknownNameError: for a truth column that there is not, or an architecture that the space lacks.
        OptionError: for a sample larger than the population, and for a population that the space does not have.
    """
    population = open_population(space, settings.population)
    word = truth_word(space, data_set, settings)
    truth = opened_truth(space, data_set, word)
    known = None
    if word is not None and names_file(word):
        (column,) = truth.columns(data_set.name)
        values = truth.values(space.architectures, data_set.name, column.name)
        known = np.flatnonzero(np.isfinite(values))
    else:
        column = truth.column(data_set.name, word or default_truth(truth, space, data_set))
    if archs is None:
        index = sample_index(space, settings, population, known)
    else:
        index = np.array([space.index(Architecture(arch)) for arch in archs], dtype=np.int64)
        index = index[np.isin(index, population.index)]
        if not index.size:
            raise OptionError(f"None of the architectures of scores= is in the population {population.name}.")
        if isinstance(settings.sample, int):
            index = _drawn_from(index, space, settings)
    chosen = tuple(space.architectures[row] for row in index)
    values = truth.values(chosen, data_set.name, column.name)
    if not np.isfinite(values).any():
        n_known = truth.n_known(data_set.name, column.name)
        raise HarnessError(
            f"The truth column {column.name} of {space.name} on {data_set.name} covers {n_known:,} of "
            f"{len(space.architectures):,} architectures, but none of the sample; use sample=all."
        )
    return EvaluationSet(space, data_set, chosen, index, values, column, population, truth)


def sample_index(
    space: SearchSpace,
    settings: Settings,
    population: Population | None = None,
    known: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Official indices [n] of the sample, ascending for `all`; sample=N is the first N of one permutation.

    A population's sample is the first N of the permutation of the space that belong to it.

    Args:
        space: the benchmark.
        settings: with `sample`.
        population: what the sample is from; None: the space.
        known: the architectures with a truth, where a user's file knows a part of the space: a sample is drawn from
            them, unless by default the whole population is taken.
    """
    n_space = len(space.architectures)
    members = np.arange(n_space) if population is None else population.index
    if settings.sample == ALL:
        return members
    n_wanted = DEFAULT_SAMPLE if settings.sample is None else int(settings.sample)
    if known is not None and (settings.sample is not None or members.size > DEFAULT_SAMPLE):
        members = members[np.isin(members, known)]
        if settings.sample is not None and n_wanted > members.size:
            raise OptionError(f"sample={n_wanted} is too many: truth= knows {members.size:,} of these architectures.")
    if n_wanted > members.size:
        if settings.sample is None:
            return members
        part = "" if population is None or population.name == ALL else f"the population {population.name} of "
        raise OptionError(
            f"sample={n_wanted} is larger than {part}{space.name}, which has {members.size:,} architectures."
        )
    order = np.random.default_rng(derive_seed("sample", settings.sample_seed, space.name)).permutation(n_space)
    return order[np.isin(order, members)][:n_wanted] if members.size < n_space else order[:n_wanted]


def _drawn_from(index: NDArray[np.int64], space: SearchSpace, settings: Settings) -> NDArray[np.int64]:
    """sample=N of the architectures of scores=: those that come first in the permutation of the space.

    Raises:
        OptionError: if there are fewer.
    """
    n_wanted = int(settings.sample or 0)
    if n_wanted > index.size:
        raise OptionError(
            f"sample={n_wanted} is larger than scores=, which has {index.size:,} architectures; leave sample= out for "
            "all of them."
        )
    n_space = len(space.architectures)
    order = np.random.default_rng(derive_seed("sample", settings.sample_seed, space.name)).permutation(n_space)
    return order[np.isin(order, index)][:n_wanted]


def default_truth(truth: Truth, space: SearchSpace, data_set: DataSet) -> str:
    """The column that conf/benchmarks names for a data set, or else the space.

    Of several, the first one that is here for every architecture; failing that, the one here for the most.

    Raises:
        HarnessError: if it names none.
    """
    file: Path = conf_folder() / "benchmarks" / f"{space.name}.yaml"
    if not file.is_file():  # a space of the user's own, which brings its accuracies
        own = truth.columns(data_set.name)
        if len(own) == 1:
            return own[0].name
    stated = OmegaConf.to_container(OmegaConf.load(file).truth) if file.is_file() else {}
    stated = stated if isinstance(stated, dict) else {}
    columns = stated.get(data_set.name) or space.default_truth.get(data_set.name)
    if not columns:
        raise HarnessError(
            f"No default truth column of {space.name} on {data_set.name} is defined in {file}, nor by the space "
            "(default_truth); give truth=COLUMN."
        )
    if isinstance(columns, str):
        return columns
    here = {column.name for column in truth.columns(data_set.name)}
    n_known = {name: truth.n_known(data_set.name, name) for name in columns if name in here}
    complete = (name for name, n in n_known.items() if n >= len(space.architectures))
    # With none here, asking for the last one, which can be fetched, ends in the sentence that says how.
    return str(next(complete, max(n_known, key=lambda name: n_known[name], default=columns[-1])))
