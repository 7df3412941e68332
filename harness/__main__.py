"""The command `python -m harness`: score proxies on benchmarks and correlate the scores with truth."""

import sys

import hydra
from omegaconf import DictConfig
from rich.console import Console

from harness.cli.command import exit_code, mistakes_told
from harness.cli.config import check_words, read_ensembles, read_settings
from harness.evaluation import evaluate
from harness.paths import conf_folder
from harness.report import MAIN, TERMINAL_WIDTH, terminal_table, verdict_sentences


@hydra.main(config_path=str(conf_folder()), config_name="config", version_base="1.3")
def run(config: DictConfig) -> None:
    """One evaluation; `-m` runs one per combination."""
    with mistakes_told():
        _evaluate(config)


def _evaluate(config: DictConfig) -> None:
    proxies, benches, data_sets, settings = read_settings(config)
    evaluation = evaluate(proxies, benches, data_sets, settings, ensemble=read_ensembles(config))
    console = Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False)
    console.print(terminal_table(evaluation.tables))
    several = len(evaluation.scores) > 1
    for place, sentence in verdict_sentences(evaluation.tables, baseline=MAIN):
        console.print(f"{place}: {sentence}" if several else sentence, markup=False)
    for skipped in evaluation.skipped:
        print(f"left out: {skipped.bench} {skipped.data_set}: {skipped.reason}")
    print(evaluation.out)


def main() -> int:
    """Run the command; a user's mistake is one sentence on standard error and exit code 2."""
    return exit_code(_checked, "Interrupted. What was scored is kept; the same command goes on from there.")


def _checked() -> None:
    check_words(sys.argv[1:])
    run()


if __name__ == "__main__":
    sys.exit(main())
