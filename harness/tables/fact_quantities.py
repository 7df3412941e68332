"""The quantities that facts state, each computed by the harness from its spaces, its truth and its statistics."""

import fnmatch
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.agreement.correlation import correlations
from harness.agreement.reliability import draws_of_classes
from harness.errors import OptionError
from harness.randomness import derive_seed
from harness.space.initialise import on_meta
from harness.tables.fact_rows import TRAININGS, Place
from harness.tables.joined import same_name

_CLOSE = 6e-5  # joined tables have single precision; accuracies are rounded to 1e-4
_HUNDREDTH = 0.005 + 1e-9


@dataclass(frozen=True)
class Fact:
    """A line of conf/published/facts.csv; see there and `harness.tables.fact_rows` for its words.

    `expected` has a number for each value of the quantity, with a slash between them; "<" before one is a limit.
    """

    source: str
    bench: str
    dataset: str
    rows: str
    quantity: str
    subject: str
    column: str
    joined: str
    expected: str
    note: str


@dataclass(frozen=True)
class Found:
    """The values of a quantity; where they are means over random draws, the standard deviation over these."""

    values: tuple[float, ...]
    spreads: tuple[float, ...] = ()


def found_value(place: Place, fact: Fact) -> Found:
    """What the harness finds for a fact.

    Raises:
        OptionError: a word of the fact is unknown.
        MissingDataError: truth, a joined table or a library that it needs is not here.
    """
    if fact.quantity not in QUANTITIES:
        raise OptionError(f"conf/published/facts.csv has the quantity '{fact.quantity}', which is not computed.")
    result = QUANTITIES[fact.quantity](place, fact)
    if isinstance(result, Found):
        return result
    values = result if isinstance(result, tuple) else (result,)
    return Found(tuple(float(value) for value in values))


def _pairs(place: Place, fact: Fact) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The number and the truth of each row; a row per training where the column has these."""
    kept = place.rows(fact.rows)
    number, truth = place.number(fact.subject)[kept], np.atleast_2d(place.column(fact.column))[:, kept]
    numbers = np.broadcast_to(number, truth.shape)
    known = np.isfinite(truth)
    return numbers[known], truth[known]


def _values(place: Place, fact: Fact) -> NDArray[np.float64]:
    """What a fact is about, of each row: the subject, or where there is none the known values of the column."""
    kept = place.rows(fact.rows)
    if fact.subject and not fact.column:
        return place.number(fact.subject)[kept]
    values = place.column(fact.column)[..., kept]
    return values[np.isfinite(values)]


def _networks(place: Place, fact: Fact) -> tuple[int, int, int]:
    sizes = np.unique(place.classes[place.rows(fact.rows)], return_counts=True)[1]
    return sizes.size, int((sizes > 1).sum()), int(sizes[sizes > 1].sum())


def _retest(place: Place, fact: Fact) -> Found:
    values = np.where(place.rows(fact.rows), place.column(fact.column), np.nan)
    return _over_draws(place, values, lambda first, second: correlations(first, second))


def _difference(place: Place, fact: Fact) -> Found:
    values = np.where(place.rows(fact.rows), place.column(fact.column), np.nan)
    return _over_draws(place, values, lambda first, second: (float(np.median(np.abs(first - second))),))


def _over_draws(
    place: Place,
    values: NDArray[np.float64],
    measured: Callable[[NDArray[np.float64], NDArray[np.float64]], tuple[float, ...]],
) -> Found:
    draws = [measured(values[first], values[second]) for first, second in draws_of_classes(values, place.classes)]
    return Found(tuple(np.mean(draws, axis=0).tolist()), tuple(np.std(draws, axis=0).tolist()))


def _between_seeds(place: Place, fact: Fact, which: int) -> tuple[float, float]:
    """The least and the greatest correlation between single seeds: tau is 0, rho 1."""
    columns = place.column(fact.column)[:, place.rows(fact.rows)]
    found = [correlations(first, second)[which] for first, second in combinations(columns, 2)]
    return min(found), max(found)


def _extreme(place: Place, fact: Fact, sign: int) -> Iterator[float]:
    """The greatest (or by the sign the least) value, its rows in official order."""
    kept = np.flatnonzero(place.rows(fact.rows))
    values = np.atleast_2d(place.column(fact.column))[:, kept]
    best = sign * np.nanmax(sign * values)
    yield float(best)
    rows = kept[np.flatnonzero((values == best).any(axis=0))]
    if fact.joined:  # rows of the published files, which have an architecture more than once
        rows = np.flatnonzero(np.isin(place.joined.column(fact.joined, place.space.architectures).places, rows))
    yield from map(float, rows)


def _greatest(place: Place, fact: Fact) -> tuple[float, float, int]:
    """The greatest value, the first row that has it, and how many have."""
    value, *rows = _extreme(place, fact, 1)
    return value, rows[0], len(rows)


def _equal_to_joined(place: Place, fact: Fact, *, in_millions: bool = False) -> int:
    """Rows of a joined table, or architectures where it has trainings, whose number or truth is equal to ours."""
    archs = place.space.architectures
    joined = place.joined.column(fact.joined, archs)
    if fact.subject:
        found = place.number(fact.subject)[joined.places]
        if in_millions:
            return int((np.abs(found / 1e6 - joined.values) <= _HUNDREDTH).sum())
        return int((found == joined.values).sum())
    if fact.column.endswith(TRAININGS):
        ours = place.column(fact.column)[joined.occurrence, joined.places]
        theirs = joined.values.astype(np.float64)
    else:
        ours, theirs = place.column(fact.column), joined.by_arch(len(archs))
    return int(np.isclose(ours, theirs, rtol=1e-6, atol=_CLOSE, equal_nan=True).sum())


def _constant(place: Place, fact: Fact) -> tuple[int, float]:
    """Rows of a joined table from which our number differs by the same amount, the most frequent one; and that."""
    joined = place.joined.column(fact.joined, place.space.architectures)
    amounts, times = np.unique(place.number(fact.subject)[joined.places] - joined.values, return_counts=True)
    return int(times.max()), float(amounts[times.argmax()])


def _equal_classes(place: Place, fact: Fact) -> int:
    """Rows whose class holds the same rows here and in the joined table."""
    joined = place.joined.column(fact.joined, place.space.architectures)
    numbered = [place.classes[joined.places], np.unique(joined.values, return_inverse=True)[1]]
    both = np.unique(np.stack(numbered), axis=1, return_inverse=True)[1].ravel()
    sizes = [np.bincount(labels)[labels] for labels in (*numbered, both)]
    return int(((sizes[0] == sizes[2]) & (sizes[1] == sizes[2])).sum())


def _in_order(place: Place, fact: Fact) -> int:
    names = place.joined.names(fact.joined)
    return sum(same_name(ours, theirs) for ours, theirs in zip(place.space.architectures, names, strict=True))


def _as_canonical(place: Place, fact: Fact) -> int:
    """Rows whose truth and counts are those of the first row of their class."""
    first = np.unique(place.classes, return_index=True)[1][place.classes]
    columns = np.atleast_2d(place.column(fact.column))
    equal = np.all(columns == columns[:, first], axis=0)
    for subject in fact.subject.split():
        numbers = place.number(subject)
        equal &= numbers == numbers[first]
    return int(equal.sum())


def _built(place: Place, fact: Fact) -> int:
    """Of N random architectures those whose network, built, has as many parameters as are counted."""
    space, rows = place.space, np.flatnonzero(place.rows(fact.rows))
    random = np.random.default_rng(derive_seed("facts", place.bench))
    n_equal = 0
    for at in random.choice(rows, int(fact.subject), replace=False):
        arch = space.architectures[at]
        with on_meta():
            network = space.assemble(arch, place.data_set, "all")
        n_built = sum(parameter.numel() for parameter in network.parameters())
        n_equal += n_built == sum(one.n_params * one.repeats for one in space.layers(arch, place.data_set))
    return n_equal


def _buildable(place: Place, fact: Fact) -> int:
    """Names up to a mark of architectures whose networks the installed library has."""
    archs = {arch.partition(fact.subject)[0]: arch for arch in place.space.architectures}
    n_lacking = 0
    if place.space.require_networks(list(archs.values())):
        for arch in archs.values():
            try:
                n_lacking += bool(place.space.require_networks([arch]))
            except OptionError:
                n_lacking += 1
    return len(archs) - n_lacking


def _between_data_sets(place: Place, names: Sequence[str]) -> dict[tuple[str, str], float]:
    """Tau between the default columns of each two data sets."""
    columns = {name: Place(place.bench, name, place.joined).column("") for name in names}
    return {pair: correlations(columns[pair[0]], columns[pair[1]]).tau for pair in combinations(names, 2)}


def _mean_of(place: Place, fact: Fact) -> int:
    """Rows whose truth is the mean over the columns that the subject names."""
    parts = [place.column(name) for name in place.columns() if fnmatch.fnmatch(name, fact.subject)]
    return int((np.abs(np.mean(parts, axis=0) - place.column(fact.column)) < 1e-9).sum())


def _between_trainings(place: Place, fact: Fact) -> tuple[int, float, float]:
    """Architectures that were trained twice, and mean and greatest absolute difference of these trainings."""
    first, second = place.column(fact.column)
    differences = np.abs(first - second)[np.isfinite(first) & np.isfinite(second)]
    return differences.size, float(differences.mean()), float(differences.max())


def _multiples(place: Place, fact: Fact) -> int:
    """Rows whose percentage is a whole number of N images, to the four decimals that truth has."""
    shares = _values(place, Fact(**{**vars(fact), "subject": ""})) / 100 * int(fact.subject)
    return int((np.abs(shares - shares.round()) < 1e-6 * int(fact.subject)).sum())


def _tied(place: Place, fact: Fact) -> int:
    """Different combinations of the values in the columns that the subject names."""
    columns = [place.column(name) for name in place.columns() if fnmatch.fnmatch(name, fact.subject)]
    return int(np.unique(np.stack(columns), axis=1).shape[1])


def _relus(place: Place, fact: Fact) -> int:
    with on_meta():
        network = place.space.assemble(place.space.check(fact.subject), place.data_set, "all")
    return sum(type(module).__name__ == "ReLU" for module in network.modules())


QUANTITIES: Mapping[str, Callable[[Place, Fact], Found | tuple[float, ...] | float]] = {
    "architectures": lambda place, fact: int(place.rows(fact.rows).sum()),
    "trainings": lambda place, fact: _values(place, fact).size,
    "networks": lambda place, fact: _networks(place, fact)[0],
    "networks / with several rows / these rows": _networks,
    "rows of classes as in the joined table": _equal_classes,
    "rows in the order of the joined table": _in_order,
    "rows equal to the first of their class": _as_canonical,
    "equal to the joined table": _equal_to_joined,
    "equal to the joined table but for / a constant": _constant,
    "equal to two decimals of a million": lambda place, fact: _equal_to_joined(place, fact, in_millions=True),
    "networks built with the counted parameters": _built,
    "networks in the library": _buildable,
    "ReLUs of the network": _relus,
    "row of": lambda place, fact: place.space.index(place.space.check(fact.subject)),
    "tau / rho": lambda place, fact: tuple(correlations(*_pairs(place, fact))),
    "retest tau / rho": _retest,
    "retest pairs": lambda place, fact: len(
        draws_of_classes(np.where(place.rows(fact.rows), place.column(fact.column), np.nan), place.classes)[0][0]
    ),
    "retest median difference": _difference,
    "tau between seeds, least / greatest": lambda place, fact: _between_seeds(place, fact, 0),
    "rho between seeds, least / greatest": lambda place, fact: _between_seeds(place, fact, 1),
    "trained twice / mean / greatest difference": _between_trainings,
    "greatest / rows": lambda place, fact: tuple(_extreme(place, fact, 1)),
    "least / rows": lambda place, fact: tuple(_extreme(place, fact, -1)),
    "greatest / first row / times": _greatest,
    "least / greatest": lambda place, fact: (_values(place, fact).min(), _values(place, fact).max()),
    "least / greatest, millions": lambda place, fact: (
        _values(place, fact).min() / 1e6, _values(place, fact).max() / 1e6,
    ),
    "percentiles 5 / 50 / 95": lambda place, fact: tuple(np.percentile(_values(place, fact), [5, 50, 95])),
    "median": lambda place, fact: float(np.median(_values(place, fact))),
    "greatest": lambda place, fact: float(_values(place, fact).max()),
    "distinct values": lambda place, fact: np.unique(_values(place, fact)).size,
    "distinct rows of": _tied,
    "multiples of one image of": _multiples,
    "rows at 0": lambda place, fact: int((_values(place, fact) == 0).sum()),
    "rows at or below 0": lambda place, fact: int((_values(place, fact) <= 0).sum()),
    "mean of": _mean_of,
    "known values, by training": lambda place, fact: float(
        place.times_trained()[np.isfinite(place.column(fact.column))].sum()
    ),
    "names up to": lambda place, fact: len({arch.partition(fact.subject)[0] for arch in place.space.architectures}),
    "groups": lambda place, _: len(place.group_sizes()),
    "tau between data sets": lambda place, fact: next(
        iter(_between_data_sets(place, fact.subject.split()).values())
    ),
    "tau between data sets, least / greatest": lambda place, _: (
        min(_between_data_sets(place, place.space.data_sets).values()),
        max(_between_data_sets(place, place.space.data_sets).values()),
    ),
    "CPU seconds to open the truth": lambda place, _: place.seconds_to_open(),
}  # fmt: skip
