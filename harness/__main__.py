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
from harness.evaluation import ask, evaluate, forecast, score_shard
from harness.evaluation.forecast import lines
from harness.evaluation.provenance import Asked
from harness.report import (
    MAIN,
    TERMINAL_WIDTH,
    combined_places,
    terminal_table,
    verdict_sentences,
    within_terminal,
)

UNFINISHED = 3


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.dispatch`."""
    return dispatch(words)


def read(config: DictConfig) -> EvaluationRequest:
    """What is to be evaluated.

    Raises:
        HarnessError: for values that are invalid.
    """
    return read_request(config)


def run(asked: EvaluationRequest) -> int:
    """One evaluation, one shard of it, or what it would cost; 3 where budget_s left a part of it.

    Raises:
        HarnessError: for a user error or missing data.
    """
    words = asked.proxies, asked.benches, asked.data_sets
    request = ask(*words, asked.ensembles, asked.settings)
    if asked.settings.dry_run:
        print("\n".join(lines(forecast(request), request)))
        return 0
    if asked.settings.shard is not None:
        return _run_shard(request)
    evaluation = evaluate(*words, asked.settings, ensemble=asked.ensembles)
    console = Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False)
    if len(evaluation.tables.within):
        console.print(within_terminal(evaluation.tables))
    console.print(terminal_table(evaluation.tables))
    several = len(evaluation.scores) > 1
    judged_within = combined_places(evaluation.tables)
    for place, sentence in verdict_sentences(evaluation.tables, baseline=MAIN):
        if place in judged_within:  # what is true over all networks mixes groups; verdict.csv has it
            continue
        console.print(f"{place}: {sentence}" if several else sentence, markup=False)
    for note in evaluation.notes:
        console.print(f"{note}.", markup=False)
    for skipped in evaluation.skipped:
        print(f"skipped: {skipped.bench} {skipped.data_set}: {skipped.reason}")
    for left in evaluation.unfinished:
        print(left.sentence)
    print(evaluation.out)
    return UNFINISHED if evaluation.unfinished else 0


def _run_shard(request: Asked) -> int:
    found = score_shard(request)
    for one in found.finished:
        print(
            f"{' / '.join(one.name)}, shard {found.shard}: {one.n_finished:,} of {one.n_asked:,} architectures scored"
        )
    for skipped in found.skipped:
        print(f"skipped: {skipped.bench} {skipped.data_set}: {skipped.reason}")
    if found.is_finished:
        print("Merge the shards for results: python -m harness.store merge results/scores.sqlite SHARD.sqlite ...")
    else:
        print("budget_s ended; the same command goes on.")
    print(found.store)
    return 0 if found.is_finished else UNFINISHED
