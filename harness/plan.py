"""The command `python -m harness.plan width=.05 bench=... dataset=...`: how many architectures an interval takes.

It takes the settings of an evaluation and makes one, the pilot (by default 1,000 architectures, from the store where
they are scored already), whose spread says how wide the intervals of other numbers of architectures are.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import columns
from harness.agreement import Components, Pairs, Variations
from harness.cli.config import read_words
from harness.errors import HarnessError, OptionError
from harness.evaluation import Evaluation, evaluate
from harness.evaluation.evaluation_set import EvaluationSet
from harness.report import MAIN, TERMINAL_WIDTH
from harness.report.tables import correlation_text

FEWEST_ROWS = 50


@dataclass(frozen=True)
class Plan:
    """Architectures that intervals of the wanted width take.

    Attributes:
        target: (benchmark, data set).
        what: "tau of zico", or "zico less params".
        value: in the pilot.
        components: of its variance.
    """

    evaluated: tuple[str, str]
    what: str
    value: float
    components: Components


def plans(evaluation: Evaluation) -> Iterator[Plan]:
    """For each proxy its tau, and its difference to #Params where that was evaluated, on rows finite for both."""
    for evaluated in evaluation.evaluation_sets:
        scores = evaluation.scores[evaluated.name]
        names = [name for name in columns.proxy_columns(scores) if "#" not in name]
        for name in names:
            yield from _of(evaluated, f"tau of {name}", [scores[name].to_numpy(dtype=np.float64)])
        if MAIN in names:
            counted = scores[MAIN].to_numpy(dtype=np.float64)
            for name in names:
                if name != MAIN:
                    pair = [scores[name].to_numpy(dtype=np.float64), counted]
                    yield from _of(evaluated, f"{name} less {MAIN}", pair)


def _of(evaluated: EvaluationSet, what: str, scores: list[np.ndarray]) -> Iterator[Plan]:
    plan = Variations.of(evaluated.classes)
    truth = evaluated.accuracies
    if len(scores) > 1:
        truth = np.where(np.logical_and.reduce([np.isfinite(column) for column in scores]), truth, np.nan)
    pairs = [Pairs.of(column, truth) for column in scores]
    taus = [one.correlations().tau for one in pairs]
    if pairs[0].counts.n < FEWEST_ROWS or np.isnan(taus).any():
        return
    influence = plan.influences(pairs[0]).tau
    value = taus[0]
    if len(pairs) > 1:
        influence = influence - plan.influences(pairs[1]).tau
        value -= taus[1]
    classes = plan.classes[pairs[0].rows]
    yield Plan(evaluated.name, what, value, Components.of(influence, classes, len(evaluated.space.architectures)))


def print_plans(found: Sequence[Plan], width: float, console: Console) -> None:
    """A table: for each quantity the numbers of architectures, and what the whole space gives where none suffices."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("bench", "data set", "interval of"):
        table.add_column(name, overflow="fold")
    for name in ("in the pilot", "n, sampling", "n, generalisation"):
        table.add_column(name, justify="right", no_wrap=True)
    for plan in found:
        n = plan.components.n_for_generalisation(width)
        least = plan.components.generalisation(plan.components.n_population)
        cells = (
            *plan.evaluated,
            plan.what,
            correlation_text(plan.value),
            f"{plan.components.n_for_sampling(width):,}",
            f"{n:,}" if n is not None else f"none: all give {correlation_text(least)}",
        )
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    console.print(
        f"Architectures for a 95 % interval {width:g} wide. sampling: for the value on the whole space. "
        "generalisation: over other architectures of the kind, on which verdicts rest; a space has no more classes "
        "than it has, which sets a limit."
    )


def main(words: Sequence[str] | None = None) -> int:
    """Make the pilot and print the plan; a mistake is one sentence and exit code 2."""
    try:
        own, request = read_words(sys.argv[1:] if words is None else words, {"width"})
        width = _width(own.get("width"))
        names = (request.proxies, request.benches, request.data_sets)
        found = list(plans(evaluate(*names, request.settings, ensemble=request.ensembles)))
        if not found:
            raise HarnessError(f"No proxy has {FEWEST_ROWS} scores in the pilot; give a larger sample=.")
        print_plans(found, width, Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False))
    except HarnessError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _width(word: str | None) -> float:
    try:
        width = float(word or "")
    except ValueError:
        width = 0.0
    if not 0 < width < 2:
        raise OptionError(f"width={word} cannot work; give the width of an interval of tau, as width=.05.")
    return width


if __name__ == "__main__":
    sys.exit(main())
