"""Two proxies beside each other: how alike they rank, which one agrees better with the truth, and where they differ.

All pairs of one place are compared by the harness's paired comparison (harness/agreement/paired.py) from the scores of
the records, over cells and over networks; the browser only picks a pair and sorts its rank differences.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.agreement import Plan, Sample, Variations, comparisons
from harness.agreement.paired import Contrast
from harness.errors import HarnessError
from harness.evaluation.evaluation_set import EvaluationSet
from harness.evaluation.population import open_population
from harness.lens.effects import Held, effects_table
from harness.page.contents import Graphs, graph_of
from harness.records.files import Scores, Stored, read_scores
from harness.records.statistics import Subject, evaluation_set_of, space_of
from harness.site.rows import place_of
from harness.space import SearchSpace

_DIGITS = 5


@dataclass(frozen=True, eq=False)
class Columns:
    """The scores of all records of one place, on the rows of one of them.

    `index` int64 [n] are official indices; `values` float64 [n] by identity of the record, NaN without a score.
    """

    first: Stored
    index: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]


def compared_places(stored: Sequence[Stored]) -> list[dict[str, Any]]:
    """For each place that has two records or more what the page of comparisons shows of it.

    `indices` are the architectures, `ranks` per record the rank of each architecture (1 is best; null
    without a score), `truth` its values and `truth_ranks`, null where the ground truth is not here, `pairs` per two
    records the statistics, `effects` per record the mean rank with each of `held`, a position and a value.

    Raises:
        CorruptDataError: for a table of scores whose digest is another.
    """
    together: dict[tuple[str, ...], list[Stored]] = defaultdict(list)
    for one in stored:
        together[place_of(one.record)].append(one)
    return [_place(_columns(group)) for _, group in sorted(together.items()) if len(group) > 1]


def _columns(group: Sequence[Stored]) -> Columns:
    """The first seed of each record, aligned by index."""
    tables = {one.record.identity: read_scores(one) for one in group}
    index = next(iter(tables.values())).index
    return Columns(group[0], index, {name: _aligned(table, index) for name, table in tables.items()})


def _aligned(table: Scores, index: NDArray[np.int64]) -> NDArray[np.float64]:
    values = next(iter(table.by_seed.values()))
    if np.array_equal(table.index, index):
        return values
    own = dict(zip(table.index.tolist(), values.tolist(), strict=True))
    return np.array([own.get(row, math.nan) for row in index.tolist()])


def _place(found: Columns) -> dict[str, Any]:
    record = found.first.record
    subject = Subject.of(record)
    space = space_of(subject)
    archs = [space.architectures[row] for row in found.index.tolist()]
    evaluated = _with_truth(found, subject)
    if evaluated is None:
        forms = space.canonical_forms(archs)
        sizes = open_population(space, record.population.name).class_size
        sample = Sample(np.zeros(len(archs)), forms, record.population.n, [max(sizes[form], 1) for form in forms])
    else:
        sample = evaluated.sample
    graphs = Graphs()
    drawn = [graphs.add(graph_of(space.name, arch)) for arch in archs]
    labels, effects = _effects(space, space.values_held(archs), found.values) if space.positions else ([], {})
    return {
        "bench": record.bench,
        "dataset": record.data_set,
        "population": record.population.name,
        "truth_name": record.truth.name,
        "indices": found.index.tolist(),
        "truth": None if evaluated is None else [_number(value) for value in sample.truth],
        "truth_ranks": None if evaluated is None else _ranks(sample.truth),
        "ranks": {name: _ranks(values) for name, values in found.values.items()},
        "pairs": _pairs(found.values, sample, has_truth=evaluated is not None),
        "held": labels,
        "effects": effects,
        "drawn": drawn,
        "graphs": graphs.tables,
    }


def _effects(
    space: SearchSpace, held: Held, columns: Mapping[str, NDArray[np.float64]]
) -> tuple[list[tuple[str, str]], dict[str, list[float | None]]]:
    """Positions with their values, and by record the mean rank with each; None where no score is finite."""
    labels = [(position.name, value) for position in space.positions for value in position.values]
    effects: dict[str, list[float | None]] = {}
    for name, values in columns.items():
        table = effects_table(values, space.positions, held, None)
        known: dict[tuple[str, str], float] = {}
        if not table.empty:
            pairs = zip(table["position"], table["value"], strict=True)
            known = dict(zip(pairs, table["mean_rank"].round(4).tolist(), strict=True))
        effects[name] = [known.get(label) for label in labels]
    return labels, effects


def _with_truth(found: Columns, subject: Subject) -> EvaluationSet | None:
    """The architectures with their ground truth; None where it is not here."""
    values = np.zeros(len(found.index))
    try:
        return evaluation_set_of(subject, Scores(found.index, {"none": values}))
    except HarnessError:  # it is not here, or not that of the record: verify says so
        return None


def _pairs(values: Mapping[str, NDArray[np.float64]], sample: Sample, *, has_truth: bool) -> dict[str, Any]:
    """By "identity identity" the numbers of two records: over networks and over cells."""
    found: dict[str, Any] = {}
    names = list(values)
    plan = Plan(Variations.of(sample.classes, n_replicates=1))
    for first, second in combinations(names, 2):
        cells = plan.variations.pairs(values[first], values[second], sample.weights)
        between = {"networks": _number(cells.networks.tau()), "cells": _number(cells.tau())}
        found[f"{first} {second}"] = {"n": cells.counts.n, "between": between}
    if has_truth:
        for one in comparisons(dict(values), sample, baselines=names, paired=plan):
            own = found[f"{one.baseline} {one.proxy}"]
            own |= {"n_truth": one.n, "cells": _contrast(one.cells), "networks": _contrast(one.networks)}
            own["enumerated"] = one.enumerated
    return found


def _contrast(one: Contrast) -> list[float | None]:
    """Tau of the first, of the second, the second less the first, with its 95 % interval."""
    numbers = one.baseline_tau, one.tau, one.delta.value, *one.delta.interval
    return [_number(value) for value in numbers]


def _ranks(values: NDArray[np.float64]) -> list[float | None]:
    """1 for the highest, equal values the mean of their ranks, None for NaN."""
    known = ~np.isnan(values)
    ranks = np.full(values.size, math.nan)
    ranks[known] = rankdata(-values[known])
    return [None if math.isnan(rank) else int(rank) if rank == int(rank) else rank for rank in ranks.tolist()]


def _number(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
