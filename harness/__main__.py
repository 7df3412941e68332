"""The command `python -m harness`: score proxies on benchmarks and correlate the scores with truth."""

import sys

from harness.cli.command import dispatch

if __name__ == "__main__":
    sys.exit(dispatch())

import sys
from collections.abc import Sequence

from omegaconf import DictConfig
from rich.console import Console

from harness.cli.config import EvaluationRequest, read_request
from harness.evaluation import evaluate
from harness.report import MAIN, TERMINAL_WIDTH, terminal_table, verdict_sentences


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.dispatch`."""
    return dispatch(words)


def read(config: DictConfig) -> EvaluationRequest:
    """What is to be evaluated.

    Raises:
        HarnessError: for values that are invalid.
    """
    return read_request(config)


def run(asked: EvaluationRequest) -> None:
    """One evaluation.

    Raises:
        HarnessError: for a user error or missing data.
    """
    words = asked.proxies, asked.benches, asked.data_sets
    evaluation = evaluate(*words, asked.settings, ensemble=asked.ensembles)
    console = Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False)
    console.print(terminal_table(evaluation.tables))
    several = len(evaluation.scores) > 1
    for place, sentence in verdict_sentences(evaluation.tables, baseline=MAIN):
        console.print(f"{place}: {sentence}" if several else sentence, markup=False)
    for note in evaluation.notes:
        console.print(f"{note}.", markup=False)
    for skipped in evaluation.skipped:
        print(f"skipped: {skipped.bench} {skipped.data_set}: {skipped.reason}")
    print(evaluation.out)
