"""The rows of each list, from the registries: the plug-ins of that kind are imported for them, and no other package."""

from collections.abc import Callable, Iterable
from dataclasses import fields


def rows_of(what: str) -> list[list[str]]:
    """The rows of a list of `harness.cli.parsers.LISTINGS`, its heading first."""
    return [list(row) for row in _LISTINGS[what]()]


def _proxies() -> Iterable[tuple[str, ...]]:
    from harness.proxy import PROXIES

    yield "proxy", "version", "sees", "evidence", "paper", "what"
    for name in PROXIES:
        proxy = PROXIES.get(name)
        evidence = ", ".join(kind.__name__ for kind in proxy.evidence().values())
        paper = "baseline" if proxy.baseline else proxy.paper
        yield name, str(proxy.version), proxy.sees.value, evidence, paper, _first_sentence(proxy)


def _ensembles() -> Iterable[tuple[str, ...]]:
    from harness.ensembles import ENSEMBLES

    yield "ensemble", "version", "learns from", "paper", "what"
    for name in ENSEMBLES:
        kind = ENSEMBLES.get(name)
        learns_from = "truth, cross-fitted" if kind.needs_truth else "nothing"
        yield name, str(kind.version), learns_from, kind.paper, _first_sentence(kind)


def _benchmarks() -> Iterable[tuple[str, ...]]:
    from harness.space import BENCHMARKS

    yield "benchmark", "version", "architectures", "data sets", "what"
    for name in BENCHMARKS:
        space = BENCHMARKS.get(name)
        listed = f"{len(space.architectures):,}" if space.enumerable else "not listed"
        n_archs = listed if space.complete or not space.enumerable else f"{listed} trained"
        yield name, str(space.version), n_archs, ", ".join(space.data_sets), _first_sentence(type(space))


def _searchers() -> Iterable[tuple[str, ...]]:
    from harness.searchers import SEARCHERS

    yield "searcher", "options", "what"
    for name in SEARCHERS:
        searcher = SEARCHERS.get(name)
        options = ", ".join(f"{field.name}={field.default}" for field in fields(searcher))  # type: ignore[arg-type]
        yield name, options, _first_sentence(searcher)


def _predictors() -> Iterable[tuple[str, ...]]:
    from harness.predictors import PREDICTORS

    yield "predictor", "version", "options", "paper", "what"
    for name in PREDICTORS:
        kind = PREDICTORS.get(name)
        options = ", ".join(f"{field.name}={field.default}" for field in fields(kind))  # type: ignore[arg-type]
        yield name, str(kind.version), options or "none", kind.paper, _first_sentence(kind)


def _data_sets() -> Iterable[tuple[str, ...]]:
    from harness.inputs import DATA_SETS

    yield "data set", "classes", "shape", "how to get it"
    for name in DATA_SETS:
        data_set = DATA_SETS.get(name)
        shape = " x ".join(str(length) for length in data_set.shape)
        yield name, str(data_set.n_classes), shape, data_set.how_to_get


def _tables() -> Iterable[tuple[str, ...]]:
    from harness.tables import read_spec, table_names

    yield "table", "benchmarks", "published figures", "what"
    for name in table_names():
        spec = read_spec(name)
        yield name, ", ".join(spec.bench) or "all", str(len(spec.figures())), spec.title


def _first_sentence(described: object) -> str:
    return (described.__doc__ or "").strip().split("\n")[0]


_LISTINGS: dict[str, Callable[[], Iterable[tuple[str, ...]]]] = {
    "proxies": _proxies,
    "ensembles": _ensembles,
    "benchmarks": _benchmarks,
    "datasets": _data_sets,
    "predictors": _predictors,
    "searchers": _searchers,
    "tables": _tables,
}
