"""The command `python -m harness.list proxies|benchmarks|datasets`: what is registered, plug-ins included."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from harness.arguments import OneSentenceParser
from harness.errors import HarnessError
from harness.inputs import DATA_SETS
from harness.proxy import PROXIES
from harness.report import TERMINAL_WIDTH
from harness.space import BENCHMARKS


def main(words: Sequence[str] | None = None) -> int:
    """Print one table."""
    parser = OneSentenceParser(prog="python -m harness.list", description="List what is registered.")
    listings = {"proxies": _proxies, "benchmarks": _benchmarks, "datasets": _data_sets}
    parser.add_argument("what", choices=listings)
    try:
        arguments = parser.parse_args(words)
        table = Table(box=None, pad_edge=False, header_style="bold")
        for number, row in enumerate(listings[arguments.what]()):
            if number == 0:
                for name in row:
                    table.add_column(name, overflow="fold")
            else:
                table.add_row(*row)
    except HarnessError as error:
        print(error, file=sys.stderr)
        return 2
    Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False).print(table)
    return 0


def _proxies() -> Iterable[tuple[str, ...]]:
    yield "proxy", "version", "sees", "evidence", "paper", "what"
    for name in PROXIES:
        proxy = PROXIES.get(name)
        evidence = ", ".join(kind.__name__ for kind in proxy.evidence().values())
        paper = "baseline" if proxy.baseline else proxy.paper
        yield name, str(proxy.version), proxy.sees.value, evidence, paper, _first_sentence(proxy)


def _benchmarks() -> Iterable[tuple[str, ...]]:
    yield "benchmark", "version", "architectures", "data sets", "what"
    for name in BENCHMARKS:
        space = BENCHMARKS.get(name)
        n_archs = f"{len(space.architectures):,}" if space.enumerable else "not listed"
        yield name, str(space.version), n_archs, ", ".join(space.data_sets), _first_sentence(type(space))


def _data_sets() -> Iterable[tuple[str, ...]]:
    yield "data set", "classes", "shape", "how to get it"
    for name in DATA_SETS:
        data_set = DATA_SETS.get(name)
        shape = " x ".join(str(length) for length in data_set.shape)
        yield name, str(data_set.n_classes), shape, data_set.how_to_get


def _first_sentence(described: object) -> str:
    return (described.__doc__ or "").strip().split("\n")[0]


if __name__ == "__main__":
    sys.exit(main())
