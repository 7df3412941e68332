"""The command `python -m harness.perf`: the cost of scoring on this machine."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from harness.cli.command import OneSentenceParser, exit_code
from harness.errors import OptionError
from harness.files.out_folder import RUNS
from harness.inputs import InputKind
from harness.perf.figure import Bench, Figure
from harness.perf.networks import convolution_peak, zico_against_eager
from harness.perf.per_sample import per_image_against_loop
from harness.perf.proxies import cost_of_each, suite_zero_together
from harness.perf.report import rows, write
from harness.perf.runs import first_score, own_overhead, workers_against_processes
from harness.registry import unknown_name
from harness.report import TERMINAL_WIDTH
from harness.scoring.workers import keep_freed_memory


@dataclass(frozen=True)
class Measurement:
    """A measurement, and the number of cells it uses: some need more passes per cell than others."""

    measure: Callable[[Bench], Iterator[Figure]]
    most_cells: int


MEASUREMENTS = {
    "start": Measurement(first_score, 1),
    "peak": Measurement(convolution_peak, 20),
    "zico": Measurement(zico_against_eager, 1_000),
    "sharing": Measurement(suite_zero_together, 10),
    "per_sample": Measurement(per_image_against_loop, 5),
    "proxies": Measurement(cost_of_each, 5),
    "overhead": Measurement(own_overhead, 40),
    "workers": Measurement(workers_against_processes, 40),
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


def _parse(words: Sequence[str]) -> tuple[list[str], Bench, Path]:
    parser = OneSentenceParser(prog="python -m harness.perf", description=__doc__)
    parser.add_argument("measurement", nargs="*", help=f"{', '.join(MEASUREMENTS)}; none for all")
    parser.add_argument("--cells", type=int, default=50, help="random cells of NATS-Bench topology (50)")
    parser.add_argument("--seed", type=int, default=0, help="seed for drawing the cells (0)")
    kinds = [kind.value for kind in InputKind]
    parser.add_argument("--inputs", choices=kinds, default="noise", help="inputs; noise needs no download (noise)")
    parser.add_argument("--batch-size", type=int, default=128, help="images per batch (128)")
    parser.add_argument("--out", type=Path, default=RUNS / "perf", help="folder of the results (results/runs/perf)")
    found = parser.parse_args(words)
    if found.cells < 1:
        raise OptionError(f"--cells {found.cells} is invalid: it must be at least 1.")
    return found.measurement, Bench(found.cells, found.seed, InputKind(found.inputs), found.batch_size), found.out


def main() -> int:
    """Measure, print the table, write it; a user error is one sentence and exit code 2."""
    return exit_code(_measure_and_write, "Interrupted. Nothing was written; run the same command again.")


def _measure_and_write() -> None:
    names, bench, out = _parse(sys.argv[1:])
    keep_freed_memory()  # as in evaluations; the eager networks of the comparison use it, too
    figures = measure(names, bench)
    table = Table("", "value", "unit", "target", "")
    for row in rows(figures):
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False).print(table)
    write(out, figures, bench)
    print(out)


if __name__ == "__main__":
    sys.exit(main())
