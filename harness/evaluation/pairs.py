"""Pairs of benchmark and data set: those that words name, and those of them that can be opened here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from harness.errors import HarnessError, MissingDataError, OptionError
from harness.inputs import DATA_SETS, DataOptions, DataSet, open_data_set, own_data, refuse_options
from harness.settings import ALL, Settings
from harness.space import BENCHMARKS, SearchSpace, refuse_unfit, space_of
from harness.truth import check_has_truth

T = TypeVar("T")


@dataclass(frozen=True)
class Skipped:
    """A pair of benchmark and data set, one of several, that cannot be evaluated here, with the reason."""

    bench: str
    data_set: str
    reason: str


@dataclass(frozen=True)
class NamedPairs:
    """The pairs that words name.

    Attributes:
        usable: benchmark and data set.
        skipped: those, of several, whose networks do not take the data, with the reason.
        tolerated: the errors that leave out the pair that has them; any other one ends the command, as does one of a
            single pair.
    """

    usable: list[tuple[SearchSpace, DataSet]]
    skipped: tuple[Skipped, ...]
    tolerated: tuple[type[HarnessError], ...]


def pairs(
    benches: Sequence[str], data_sets: Sequence[str], settings: Settings, names: Sequence[str] | None = None
) -> NamedPairs:
    """The pairs that the words of the command line name.

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
    found, skipped = [], []
    first: OptionError | None = None
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
                    first = first or error
                    skipped.append(Skipped(space.name, data_set.name, str(error)))
    if not found and first is not None:
        raise first
    if not found:
        raise OptionError(f"None of the benchmarks {', '.join(benches)} has a data set {' or '.join(data_sets)}.")
    named = list(dict.fromkeys(found))
    tolerated = (HarnessError,) if ALL in (*benches, *data_sets) else (MissingDataError,) if len(named) > 1 else ()
    return NamedPairs(named, tuple(skipped), tolerated)


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
        raise _no_such_data_set(space, data_set)
    refuse_unfit(space, data_set)
    return data_set


_DIGITS = "digits"  # they come with the harness


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
        raise _no_such_data_set(space, data_set)


def _no_such_data_set(space: SearchSpace, data_set: DataSet) -> OptionError:
    return OptionError(
        f"The benchmark {space.name} has no data set '{data_set.name}'; it has {', '.join(space.data_sets)}."
    )


def attempted(
    attempt: Callable[[SearchSpace, DataSet], T], named: NamedPairs, done: str
) -> tuple[list[T], list[Skipped]]:
    """What `attempt` gives for each pair, and those that are left out: before, or by an error that is tolerated.

    Args:
        attempt: opens what is needed, before anything is computed.
        named: the pairs.
        done: what was to be done with them, "evaluated".

    Raises:
        HarnessError: any other error; or if nothing is left.
    """
    found, skipped = [], list(named.skipped)
    for space, data_set in named.usable:
        try:
            found.append(attempt(space, data_set))
        except named.tolerated as error:
            skipped.append(Skipped(space.name, data_set.name, str(error)))
    if not found:
        reasons = skipped[len(named.skipped) :] or skipped  # of what was tried, if anything was
        raise HarnessError(f"None of the data sets can be {done}. {reasons[0].reason}")
    return found, skipped
