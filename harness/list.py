"""The command `python -m harness.list KIND`: what is registered, plug-ins included, and the published tables."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("list"))

import argparse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields

from rich.console import Console
from rich.table import Table

from harness.ensembles import ENSEMBLES
from harness.inputs import DATA_SETS
from harness.proxy import PROXIES
from harness.report import TERMINAL_WIDTH
from harness.searchers import SEARCHERS
from harness.space import BENCHMARKS
from harness.tables import read_spec, table_names


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("list", words)


def run(arguments: argparse.Namespace) -> None:
    """Print one table."""
    rows = iter(_LISTINGS[arguments.what]())
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in next(rows):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False).print(table)


def _proxies() -> Iterable[tuple[str, ...]]:
    yield "proxy", "version", "sees", "evidence", "paper", "what"
    for name in PROXIES:
        proxy = PROXIES.get(name)
        evidence = ", ".join(kind.__name__ for kind in proxy.evidence().values())
        paper = "baseline" if proxy.baseline else proxy.paper
        yield name, str(proxy.version), proxy.sees.value, evidence, paper, _first_sentence(proxy)


def _ensembles() -> Iterable[tuple[str, ...]]:
    yield "ensemble", "version", "learns from", "paper", "what"
    for name in ENSEMBLES:
        kind = ENSEMBLES.get(name)
        learns_from = "truth, cross-fitted" if kind.needs_truth else "nothing"
        yield name, str(kind.version), learns_from, kind.paper, _first_sentence(kind)


def _benchmarks() -> Iterable[tuple[str, ...]]:
    yield "benchmark", "version", "architectures", "data sets", "what"
    for name in BENCHMARKS:
        space = BENCHMARKS.get(name)
        n_archs = f"{len(space.architectures):,}" if space.enumerable else "not listed"
        yield name, str(space.version), n_archs, ", ".join(space.data_sets), _first_sentence(type(space))


def _searchers() -> Iterable[tuple[str, ...]]:
    yield "searcher", "options", "what"
    for name in SEARCHERS:
        searcher = SEARCHERS.get(name)
        options = ", ".join(f"{field.name}={field.default}" for field in fields(searcher))  # type: ignore[arg-type]
        yield name, options, _first_sentence(searcher)


def _data_sets() -> Iterable[tuple[str, ...]]:
    yield "data set", "classes", "shape", "how to get it"
    for name in DATA_SETS:
        data_set = DATA_SETS.get(name)
        shape = " x ".join(str(length) for length in data_set.shape)
        yield name, str(data_set.n_classes), shape, data_set.how_to_get


def _tables() -> Iterable[tuple[str, ...]]:
    yield "table", "benchmarks", "published figures", "what"
    for name in table_names():
        spec = read_spec(name)
        yield name, ", ".join(spec.bench), str(len(spec.figures())), spec.title


def _first_sentence(described: object) -> str:
    return (described.__doc__ or "").strip().split("\n")[0]


_LISTINGS: dict[str, Callable[[], Iterable[tuple[str, ...]]]] = {
    "proxies": _proxies,
    "ensembles": _ensembles,
    "benchmarks": _benchmarks,
    "datasets": _data_sets,
    "searchers": _searchers,
    "tables": _tables,
}
