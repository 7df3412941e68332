"""The command `python -m harness.plan width=.05 bench=... dataset=...`: how many architectures an interval takes.

It takes the settings of an evaluation and makes one, the pilot (by default 1,000 architectures, from the store where
they are scored already), whose spread says how wide the intervals of other numbers of architectures are.
"""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("plan"))

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from omegaconf import DictConfig
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.agreement import Components, Pairs, Variations
from harness.cli.config import EvaluationRequest, read_request
from harness.errors import HarnessError, OptionError
from harness.evaluation import Evaluation, evaluate
from harness.evaluation.evaluation_set import EvaluationSet
from harness.report import MAIN, TERMINAL_WIDTH
from harness.report.tables import correlation_text
from harness.result_tables import proxy_columns

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
    """For each proxy its tau, and its difference to #Params where evaluated, on the architectures that have both."""
    for evaluated in evaluation.evaluation_sets:
        scores = evaluation.scores[evaluated.name]
        names = [name for name in proxy_columns(scores) if "#" not in name]
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
    yield Plan(evaluated.name, what, value, Components.of(influence, classes, len(evaluated.population.index)))


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
            f"{n:,}" if n is not None else f"none: the whole space gives {correlation_text(least)}",
        )
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    console.print(
        f"Number of architectures for a 95 % CI of width {width:g}. sampling: for the value on the whole search space. "
        "generalisation: for unseen architectures (cluster bootstrap over isomorphism classes), the basis of verdicts; "
        "limited by the number of isomorphism classes of the space."
    )


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("plan", words)


@dataclass(frozen=True)
class PlanRequest:
    """The evaluation that is the pilot, and the width of an interval."""

    pilot: EvaluationRequest
    width: float


def read(config: DictConfig) -> PlanRequest:
    """What is to be planned.

    Raises:
        HarnessError: for values that are invalid.
    """
    return PlanRequest(read_request(config), _width(config["width"]))


def run(asked: PlanRequest) -> None:
    """Make the pilot and print the plan.

    Raises:
        HarnessError: for a user error, or a pilot with too few scores.
    """
    pilot = asked.pilot
    words = pilot.proxies, pilot.benches, pilot.data_sets
    found = list(plans(evaluate(*words, pilot.settings, ensemble=pilot.ensembles)))
    if not found:
        raise HarnessError(f"No proxy has {FEWEST_ROWS} scores in the pilot; give a larger sample=.")
    print_plans(found, asked.width, Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False))


def _width(given: object) -> float:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    width = float(given) if is_number else 0.0  # type: ignore[arg-type]
    if not 1e-4 <= width < 2:
        shown = "null" if given is None else given
        raise OptionError(f"width={shown} is invalid: it must be the width of an interval of tau, as width=.05.")
    return width
