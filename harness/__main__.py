"""The command `python -m harness`: score proxies on benchmarks and correlate the scores with truth."""

import sys

import hydra
from omegaconf import DictConfig
from rich.console import Console

from harness.config import check_words, read_ensembles, read_settings
from harness.errors import HarnessError
from harness.evaluation import evaluate
from harness.paths import conf_folder
from harness.report import MAIN, TERMINAL_WIDTH, terminal_table, verdict_sentences

MISTAKE, INTERRUPTED = 2, 130


@hydra.main(config_path=str(conf_folder()), config_name="config", version_base="1.3")
def run(config: DictConfig) -> None:
    """One evaluation; `-m` runs one per combination.

    Raises:
        SystemExit: after a user's mistake, since Hydra would turn the error itself into a traceback.
    """
    try:
        _evaluate(config)
    except HarnessError as error:
        print(error, file=sys.stderr)
        raise SystemExit(MISTAKE) from None


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
    try:
        check_words(sys.argv[1:])
        run()
    except HarnessError as error:
        print(error, file=sys.stderr)
        return MISTAKE
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        print("Interrupted. What was scored is kept; the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
