"""The command `python -m harness.perf`: the cost of scoring on this machine."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("perf"))

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from harness.errors import OptionError
from harness.inputs import InputKind
from harness.perf.answers import help_cpu, list_cpu, typo_cpu, version_cpu
from harness.perf.figure import Bench, Figure
from harness.perf.networks import convolution_peak, zico_against_eager
from harness.perf.per_sample import per_image_against_loop
from harness.perf.proxies import cost_of_each, suite_zero_together
from harness.perf.report import rows, write
from harness.perf.runs import first_score, own_overhead, workers_against_processes
from harness.perf.statistics import cost_of_statistics
from harness.registry import unknown_name
from harness.report import TERMINAL_WIDTH
from harness.scoring.worker import keep_freed_memory


@dataclass(frozen=True)
class Measurement:
    """A measurement, and the number of cells it uses: some need more passes per cell than others."""

    measure: Callable[[Bench], Iterator[Figure]]
    most_cells: int


MEASUREMENTS = {
    "help": Measurement(help_cpu, 1),
    "version": Measurement(version_cpu, 1),
    "list": Measurement(list_cpu, 1),
    "typo": Measurement(typo_cpu, 1),
    "start": Measurement(first_score, 1),
    "peak": Measurement(convolution_peak, 20),
    "zico": Measurement(zico_against_eager, 1_000),
    "sharing": Measurement(suite_zero_together, 10),
    "per_sample": Measurement(per_image_against_loop, 5),
    "proxies": Measurement(cost_of_each, 5),
    "overhead": Measurement(own_overhead, 40),
    "workers": Measurement(workers_against_processes, 40),
    "statistics": Measurement(cost_of_statistics, 1),
}


def measure(names: Sequence[str], bench: Bench) -> list[Figure]:
    """The figures of the given measurements, all taken in this run.

    Raises:
        OptionError: for an unknown measurement.
    """
    for name in names:
        if name not in MEASUREMENTS:
            raise OptionError(unknown_name("measurement", name, sorted(MEASUREMENTS)))
    chosen = [measurement for name, measurement in MEASUREMENTS.items() if name in names or not names]
    return [figure for one in chosen for figure in one.measure(bench.first(one.most_cells))]


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("perf", words)


def run(arguments: argparse.Namespace) -> None:
    """Measure, print the table, write it.

    Raises:
        HarnessError: for the name of a measurement that there is not, or a folder that cannot be written.
    """
    bench = Bench(arguments.cells, arguments.seed, InputKind(arguments.inputs), arguments.batch_size)
    keep_freed_memory()  # as runs do; the plain networks that they are compared with keep it too
    figures = measure(arguments.measurement, bench)
    table = Table("", "value", "unit", "target", "")
    for row in rows(figures):
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False).print(table)
    write(arguments.out, figures, bench)
    print(arguments.out)
