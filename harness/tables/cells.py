"""The cells of a published table: the published value, ours with its interval, and whether they agree."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from harness.agreement import Agreement, Sample, Variations, agreements
from harness.agreement.top import Places, ndcg
from harness.errors import HarnessError
from harness.evaluation.evaluation_set import default_truth
from harness.evaluation.population import Population, open_population
from harness.evaluation.sampling import sample_index
from harness.inputs import DATA_SETS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.store import UNDEFINED
from harness.tables.cell import NAN, Cell
from harness.tables.fitted import fitted_cells
from harness.tables.scores import Column, MissingScoresError, Sampled, ScoreSources, canonical_index, command
from harness.tables.spec import BEST, GROUND_TRUTH, Published, TableSpec
from harness.truth import Truth
from harness.truth.table import TruthColumn

NDCG_PLACES = 1_000
"""Of VKDNW: its printed figures are nearest with 1,000 places and accuracies in percent."""
_PARTIAL = "nDCG needs scores of the whole population"


@dataclass(frozen=True)
class _Found:
    """Our value of a coefficient, before it is compared with the published one."""

    value: float
    low: float
    high: float
    n_first: int = 0
    networks: tuple[float, float, float] = (NAN, NAN, NAN)


def table_cells(spec: TableSpec, sources: ScoreSources) -> Iterator[Cell]:
    """The cells in the order of the published values; reference rows follow their data set.

    Raises:
        MissingDataError: a benchmark has no truth at all.
        HarnessError: the table names an unknown truth column, protocol or benchmark.
    """
    figures = spec.figures()
    places = dict.fromkeys((figure.bench, figure.dataset) for figure in figures)
    for bench, dataset in places:
        truth = Truth.open(bench)
        column = _truth_column(spec, truth, bench, dataset)
        own = [figure for figure in figures if (figure.bench, figure.dataset) == (bench, dataset)]
        for proxy in dict.fromkeys(figure.proxy for figure in own):
            yield from _row(spec, sources, (truth, column), [figure for figure in own if figure.proxy == proxy])
        if spec.reference is not None:
            coefficients = list(dict.fromkeys(figure.coefficient for figure in own))
            members = open_population(BENCHMARKS.get(bench), spec.population)
            yield from _reference(spec.reference, (truth, column), coefficients, members)


def _truth_column(spec: TableSpec, truth: Truth, bench: str, dataset: str) -> TruthColumn:
    """The first of the table's preferred columns that is available."""
    choice = spec.truths(bench, dataset)
    if not choice:
        choice = (default_truth(truth, BENCHMARKS.get(bench), DATA_SETS.get(dataset)),)
    here = {column.name for column in truth.columns(dataset)}
    return truth.column(dataset, next((name for name in choice if name in here), choice[-1]))


def _row(
    spec: TableSpec, sources: ScoreSources, truth: tuple[Truth, TruthColumn], figures: list[Published]
) -> Iterator[Cell]:
    """The cells of one published proxy on one data set."""
    table, column = truth
    bench, dataset, published = figures[0].bench, figures[0].dataset, figures[0].proxy
    proxy = spec.proxies.get(published, published)
    members = open_population(BENCHMARKS.get(bench), spec.population)
    n_population = members.index.size
    if published == GROUND_TRUTH:
        accuracies = _oriented(table, column, members.index, bench)
        best = float(np.nanmax(accuracies))
        for figure in figures:
            cell = Cell(
                bench, dataset, published, published, figure.coefficient, truth=column.name, population=spec.population,
                n_undefined=int(np.isnan(accuracies).sum()),
            )  # fmt: skip
            yield _beside(cell, figure, _Found(best, best, best, 1), spec, n_population)
        return
    if published in spec.fitted:
        is_default = column.name == default_truth(table, BENCHMARKS.get(bench), DATA_SETS.get(dataset))
        yield from fitted_cells(spec, sources.predictions, (column, is_default), figures, n_population)
        return
    try:
        if published in spec.unavailable:
            raise MissingScoresError("not a proxy of this harness")
        sampled = _of_members(sources.find(spec, bench, dataset, proxy), members)
        if spec.kind == BEST and sampled.index.size < n_population:
            # The best of a sample is not the best of the space.
            raise MissingScoresError(command(spec, bench, dataset, proxy))
    except MissingScoresError as error:
        reason = str(error)
    except HarnessError as error:
        reason = str(error).partition(" Known:")[0]
    else:
        accuracies = _oriented(table, column, sampled.index, bench)
        found = _best(sampled.column, accuracies) if spec.kind == BEST else _correlated(sampled, accuracies, members)
        for figure in figures:
            cell = replace(
                _described(figure, sampled.column, column),
                population=spec.population,
                n_undefined=int((np.isnan(sampled.column.values) | np.isnan(accuracies)).sum()),
                missing=_lacking(sampled, bench, dataset),
            )
            yield _beside(cell, figure, found[figure.coefficient], spec, sampled.index.size)
        return
    for figure in figures:
        yield Cell(
            bench, dataset, published, proxy, figure.coefficient, figure.text, figure.spread,
            n_population=n_population, truth=column.name, missing=reason, population=spec.population,
        )  # fmt: skip


def _described(figure: Published, column: Column, truth: TruthColumn) -> Cell:
    key = column.header.key
    return Cell(
        figure.bench,
        figure.dataset,
        figure.proxy,
        key.proxy,
        figure.coefficient,
        truth=truth.name,
        protocol=column.protocol,
        inputs=column.header.inputs or "none",
        inputs_sha256=key.inputs,
        seconds=column.seconds,
    )


def _beside(cell: Cell, figure: Published, found: _Found, spec: TableSpec, n: int) -> Cell:
    """A cell with our value and the published one."""
    ours, low, high = found.value, found.low, found.high
    networks = found.networks
    if spec.absolute:
        ours = abs(ours)
        low, high = (-high, -low) if found.value < 0 else (low, high)
        networks = (-networks[0], -networks[2], -networks[1]) if found.value < 0 else networks
    reach = max(figure.rounding, float(figure.spread or 0))
    inside = "" if np.isnan(low) else "yes" if low - reach <= figure.value <= high + reach else "no"
    return Cell(**(
        vars(cell)
        | {
            "published": figure.text,
            "spread": figure.spread,
            "ours": ours,
            "low": low,
            "high": high,
            "difference": ours - figure.value,
            "inside": inside,
            "n": n,
            "n_population": open_population(BENCHMARKS.get(cell.bench), spec.population).index.size,
            "n_first": found.n_first,
            "signed": found.value,
            "networks": networks[0],
            "networks_low": networks[1],
            "networks_high": networks[2],
            "missing": (cell.missing or _PARTIAL * (figure.coefficient == "ndcg")) if np.isnan(ours) else "",
        }
    ))  # fmt: skip


def _lacking(sampled: Sampled, bench: str, dataset: str) -> str:
    """Why the scores rank nothing: there is none, or all are equal; empty if they rank."""
    n, values = sampled.index.size, sampled.column.values
    there = values[~np.isnan(values)]
    place = f"{n:,} architectures of {bench} / {dataset}"
    if there.size > 1 and (there == there[0]).all():
        return f"all scores of {place} are equal: {there[0]:g}"
    if not n or there.size:
        return ""
    status, _, reason = sampled.column.lacks.partition(": ")
    again = "" if status == UNDEFINED else "; `retry=failed` scores them again"
    return f"{status} for {n:,} of {place}: {reason}{again}"


def _of_members(sampled: Sampled, members: Population) -> Sampled:
    """The part of a sample that belongs to a population; a sample's first N of it are the population's own sample."""
    own = np.isin(sampled.index, members.index)
    return Sampled(sampled.index[own], replace(sampled.column, values=sampled.column.values[own]))


def _correlated(sampled: Sampled, accuracies: NDArray[np.float64], members: Population) -> dict[str, _Found]:
    plan = _plan(members.space.name, members.name, sampled.index.size)
    sample = _sample(accuracies, sampled.index, members)
    found = _both(agreements({"proxy": sampled.column.values}, sample, variations=plan)["proxy"])
    return found | {"ndcg": _Found(_ndcg(sampled, accuracies, members), NAN, NAN)}


def _ndcg(sampled: Sampled, accuracies: NDArray[np.float64], members: Population) -> float:
    """NDCG of the first 1,000 places, expected over random orders of ties; NaN on a part of the population.

    The share of the best that 1,000 places hold depends on how many architectures there are.
    """
    used = ~(np.isnan(sampled.column.values) | np.isnan(accuracies))
    if sampled.index.size < members.index.size:
        return NAN
    values, truth = sampled.column.values[used], accuracies[used]
    return ndcg(Places.of(values), Places.of(truth), truth, NDCG_PLACES)


def _sample(accuracies: NDArray[np.float64], index: NDArray[np.int64], members: Population) -> Sample:
    classes = canonical_index(members.space.name)
    sizes = np.bincount(classes[members.index], minlength=classes.size)
    return Sample(accuracies, classes[index], members.index.size, sizes[classes[index]])


def _both(found: Agreement) -> dict[str, _Found]:
    """Tau and rho over cells, beside them those over networks where they differ."""
    cells, networks = found.cells, found.networks
    beside = [(NAN, NAN, NAN)] * 2
    if networks is not cells:
        beside = [
            (networks.correlations.tau, *networks.tau_generalisation),
            (networks.correlations.rho, *networks.rho_generalisation),
        ]
    return {
        "tau": _Found(cells.correlations.tau, *cells.tau_generalisation, networks=beside[0]),
        "rho": _Found(cells.correlations.rho, *cells.rho_generalisation, networks=beside[1]),
    }


def _best(column: Column, accuracies: NDArray[np.float64]) -> dict[str, _Found]:
    """Accuracy of the architecture ranked first: mean and range over ties."""
    used = ~(np.isnan(column.values) | np.isnan(accuracies))
    values, accuracies = column.values[used], accuracies[used]
    if not values.size:
        return {"accuracy": _Found(NAN, NAN, NAN, 0)}
    first = accuracies[values == values.max()]
    return {"accuracy": _Found(float(first.mean()), float(first.min()), float(first.max()), first.size)}


def _reference(
    name: str, truth: tuple[Truth, TruthColumn], coefficients: list[str], members: Population
) -> Iterator[Cell]:
    """The row of an early-epoch accuracy: its agreement with the truth of the table."""
    table, column = truth
    bench, dataset = table.benchmark, column.dataset
    label, index = f"{name} (training)", members.index
    try:
        described = table.column(dataset, name)
    except HarnessError as error:
        for coefficient in coefficients:
            yield Cell(bench, dataset, label, name, coefficient, truth=column.name, missing=str(error))
        return
    own, accuracies = (_oriented(table, one, index, bench) for one in (described, column))
    plan = _plan(bench, members.name, index.size)
    agreement = agreements({"proxy": own}, _sample(accuracies, index, members), variations=plan)["proxy"]
    both = _both(agreement)
    for coefficient in coefficients:
        found = both[coefficient]
        yield Cell(
            bench, dataset, label, name, coefficient, ours=found.value, low=found.low, high=found.high,
            n=agreement.counts.n, n_population=index.size, signed=found.value, truth=column.name,
            population=members.name, networks=found.networks[0], networks_low=found.networks[1],
            networks_high=found.networks[2],
        )  # fmt: skip


def _oriented(table: Truth, column: TruthColumn, index: NDArray[np.int64], bench: str) -> NDArray[np.float64]:
    """Truth of the given architectures, signed so that higher is better."""
    archs = BENCHMARKS.get(bench).architectures
    values = table.values([archs[row] for row in index], column.dataset, column.name)
    return values if column.higher_is_better else -values


@cache
def _plan(bench: str, population: str, n: int) -> Variations:
    """The bootstrap replicates for a sample of n architectures; tables that use the same scores share them."""
    space = BENCHMARKS.get(bench)
    members = open_population(space, population)
    index = members.index if n == members.index.size else sample_index(space, Settings(sample=n), members)
    return Variations.of(canonical_index(bench)[index])
