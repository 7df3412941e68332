"""Evaluation sets: a sample of a search space with its truth on one data set; what scores are compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf

from harness.agreement import Sample
from harness.errors import HarnessError, OptionError
from harness.evaluation.own_truth import opened_truth, truth_word
from harness.evaluation.population import Population, open_population, restricted_population
from harness.evaluation.restriction import open_restriction
from harness.evaluation.sampling import drawn_from, sample_index
from harness.inputs import DataSet
from harness.paths import conf_folder
from harness.settings import Settings
from harness.space import Architecture, SearchSpace
from harness.truth import Truth
from harness.truth.own_file import names_file
from harness.truth.table import TruthColumn


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
    def retrained(self) -> list[str]:
        """What of each architecture the truth is repeated over: what was trained, and its group where it has one."""
        trained, groups = self.space.trained_forms(self.archs), self.space.groups(self.archs)
        if not groups:
            return list(trained)
        return [f"{form}|{group}" for form, group in zip(trained, groups, strict=True)]

    @property
    def sample(self) -> Sample:
        """Accuracies and classes, with the sizes of classes in the whole population."""
        size = self.population.class_size
        sizes = [size[form] for form in self.classes]
        return Sample(self.accuracies, self.classes, len(self.population.index), sizes)


def open_evaluation_set(
    space: SearchSpace, data_set: DataSet, settings: Settings, archs: Sequence[str] | None
) -> EvaluationSet:
    """The target of one pair: `archs` if given, otherwise the sample that the settings ask for.

    Raises:
        MissingDataError: if the truth is not on this machine.
        UnknownNameError: for a truth column that there is not, or an architecture that the space lacks.
        OptionError: for a sample larger than the population, for a population that the space does not have, and for a
            restriction that leaves nothing of it.
    """
    restriction = open_restriction(space, data_set, settings)
    population = open_population(space, settings.population or space.default_population)
    population = restricted_population(population, restriction)
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
            index = drawn_from(index, space, settings)
    chosen = tuple(space.architectures[row] for row in index)
    values = truth.values(chosen, data_set.name, column.name)
    if not np.isfinite(values).any():
        n_known = truth.n_known(data_set.name, column.name)
        raise HarnessError(
            f"The truth column {column.name} of {space.name} on {data_set.name} covers {n_known:,} of "
            f"{len(space.architectures):,} architectures, but none of the sample; use sample=all."
        )
    return EvaluationSet(space, data_set, chosen, index, values, column, population, truth)


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
