"""What facts are about: rows of a benchmark, numbers of its architectures, and columns of its truth.

A fact names them by short words, which this file reads:

- rows: `canonical` or another population, `not:POPULATION`, `group=NAME`, `POSITION=VALUE`, `with:VALUE` and
  `without:VALUE` at any position, `row=47`, `size<=256`, `joined:COLUMN=VALUE`, `best:.` (of names that are equal up
  to the full stop the one with the best truth); several words narrow one another from left to right.
- numbers: `params`, `flops` and the other counts of the space, `size` of the input, `count:VALUE` positions that hold a
  value, `sum:POSITIONS` of numbers at positions; before it `BENCH:`, after it `@DATASET` where they are others, and
  `~-4` after it for rounding to ten thousands.
- columns: the default one of a data set or a name, `~4` after it for decimals; `NAME_seed*` has a row per training.
"""

import fnmatch
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import OptionError
from harness.evaluation.evaluation_set import default_truth
from harness.inputs import DATA_SETS, DataSet
from harness.space import BENCHMARKS, SearchSpace
from harness.tables.joined import JoinedTables
from harness.truth import Truth

TRAININGS = "_seed*"


@dataclass(eq=False)
class Place:
    """A benchmark with one of its data sets, its truth, and the joined tables beside it."""

    bench: str
    dataset: str
    joined: JoinedTables
    _kept: dict[tuple[str, ...], Any] = field(default_factory=dict)

    @cached_property
    def space(self) -> SearchSpace:
        """The search space."""
        return BENCHMARKS.get(self.bench)

    @cached_property
    def data_set(self) -> DataSet:
        """The data set."""
        return DATA_SETS.get(self.dataset)

    @cached_property
    def truth(self) -> Truth:
        """All truth of the benchmark.

        Raises:
            MissingDataError: there is none here.
        """
        return Truth.open(self.bench)

    @cached_property
    def classes(self) -> NDArray[np.intp]:
        """The canonical class of each architecture (n_archs,), numbered."""
        forms = self.space.canonical_forms(self.space.architectures)
        return np.unique(np.array(forms), return_inverse=True)[1]

    def seconds_to_open(self) -> float:
        """CPU seconds that it takes to open the truth anew and read the default column."""
        _ = self.space.architectures, self.truth
        began = time.process_time()
        truth = Truth.open(self.bench)
        truth.values(self.space.architectures, self.dataset, default_truth(truth, self.space, self.data_set))
        return time.process_time() - began

    def rows(self, words: str) -> NDArray[np.bool_]:
        """Whether each architecture (n_archs,) is one of the rows.

        Raises:
            OptionError: a word is none of those above.
            MissingDataError: a joined table is not here.
        """
        kept = np.ones(len(self.space.architectures), dtype=np.bool_)
        for word in words.split():
            if word.startswith("best:"):  # it depends on the words before it
                kept = self._best(word[5:], kept)
            else:
                kept = kept & self._remember(("rows", word), partial(self._rows_of, word))
        return kept

    def number(self, subject: str) -> NDArray[np.float64]:
        """A number of each architecture (n_archs,).

        Raises:
            OptionError: the space has no such number.
            MissingDataError, PlugInError: networks cannot be built.
        """
        exact, _, decimals = subject.partition("~")
        if decimals:
            return np.round(self.number(exact), int(decimals))
        bench, _, rest = subject.rpartition(":") if subject.partition(":")[0] in BENCHMARKS else ("", "", subject)
        name, _, dataset = rest.partition("@")
        if bench or dataset:
            other = self._remember(
                ("place", bench, dataset), lambda: Place(bench or self.bench, dataset or self.dataset, self.joined)
            )
            found: NDArray[np.float64] = other.number(name)
            return found
        return np.asarray(self._remember(("number", name), lambda: self._numbers(name)))

    def column(self, name: str) -> NDArray[np.float64]:
        """A column of truth (n_archs,), or (n_trainings, n_archs) with NaN for those that were not made.

        Raises:
            MissingDataError, UnknownNameError: there is no such column.
        """
        stated, _, decimals = name.partition("~")
        stated = stated or default_truth(self.truth, self.space, self.data_set)
        archs = self.space.architectures
        if stated.endswith(TRAININGS):
            names = [each for each in self.columns() if fnmatch.fnmatch(each, stated)]
            return np.stack([self.truth.values(archs, self.dataset, each) for each in names])
        values = self.truth.values(archs, self.dataset, stated)
        return values.round(int(decimals)) if decimals else values

    def default_column(self) -> str:
        """The name of the default column, which is here.

        Raises:
            MissingDataError: it is not, with the command that gets it.
        """
        return self.truth.column(self.dataset, default_truth(self.truth, self.space, self.data_set)).name

    def columns(self) -> list[str]:
        """The names of the columns of truth."""
        return [column.name for column in self.truth.columns(self.dataset)]

    def _remember(self, key: tuple[str, ...], made: Callable[[], Any]) -> Any:
        if key not in self._kept:
            self._kept[key] = made()
        return self._kept[key]

    def _rows_of(self, word: str) -> NDArray[np.bool_]:
        space = self.space
        population = word.removeprefix("not:")
        if population in space.populations:
            return np.asarray(space.members(population) != word.startswith("not:"))
        if word.startswith("group="):
            return np.array([group == word[6:] for group in space.groups(space.architectures)])
        if word.startswith("row="):
            return np.asarray(np.arange(len(space.architectures)) == int(word[4:]))
        if word.startswith("size<="):
            return np.asarray(self.number("size") <= float(word[6:]))
        if word.startswith(("with:", "without:")):
            kind, _, value = word.partition(":")
            return np.asarray((self.number(f"count:{value}") > 0) == (kind == "with"))
        if word.startswith("joined:"):
            column, _, value = word.partition(":")[2].partition("=")
            return np.asarray(self.joined.column(column, space.architectures).values.astype(np.float64) == float(value))
        position, _, value = word.partition("=")
        if position in self._positions:
            return np.array([value in each[position] for each in self._held])
        raise OptionError(f"conf/published/facts.csv has rows={word} of {self.bench}, which are none of its rows.")

    def _best(self, mark: str, kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Of the rows so far whose names are equal up to a mark the one with the best truth."""
        values, found = self.column(""), np.zeros(len(kept), dtype=np.bool_)
        best: dict[str, int] = {}
        for at in map(int, np.flatnonzero(kept)):
            name = self.space.architectures[at].partition(mark)[0]
            if name not in best or values[at] > values[best[name]]:
                best[name] = at
        found[list(best.values())] = True
        return found

    def _numbers(self, name: str) -> NDArray[np.float64]:
        space, archs, data_set = self.space, self.space.architectures, self.data_set
        if name in ("params", "flops"):
            count = space.params if name == "params" else space.flops
            return np.array([count(arch, data_set) for arch in archs], dtype=np.float64)
        if name == "size":
            return np.array([space.input_shape(arch, data_set)[-1] for arch in archs], dtype=np.float64)
        kind, _, wanted = name.partition(":")
        if kind == "count":
            return np.array([sum(wanted in values for values in each.values()) for each in self._held], dtype=float)
        if kind == "sum":
            chosen = [each for each in self._positions if fnmatch.fnmatch(each, wanted)]
            return np.array([sum(int(each[one][0]) for one in chosen) for each in self._held], dtype=float)
        if name not in space.costs(archs[0], data_set):
            raise OptionError(f"conf/published/facts.csv names {name}, which {self.bench} does not count.")
        return np.array([space.costs(arch, data_set)[name] for arch in archs], dtype=np.float64)

    @cached_property
    def _positions(self) -> list[str]:
        return [position.name for position in self.space.positions]

    @cached_property
    def _held(self) -> list[dict[str, tuple[str, ...]]]:
        """By architecture what each position holds."""
        space = self.space
        return [dict(zip(self._positions, space.values_at(arch), strict=True)) for arch in space.architectures]

    def times_trained(self) -> NDArray[np.float64]:
        """How often each architecture (n_archs,) was trained; 1 where single trainings have no columns."""
        default = default_truth(self.truth, self.space, self.data_set)
        if not any(fnmatch.fnmatch(name, default + TRAININGS) for name in self.columns()):
            return np.ones(len(self.space.architectures))
        return np.asarray(np.isfinite(self.column(default + TRAININGS)).sum(axis=0), dtype=np.float64)

    def group_sizes(self) -> Counter[str]:
        """Rows of each group."""
        return Counter(self.space.groups(self.space.architectures))
